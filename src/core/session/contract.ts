import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import type { FieldTable, TableLimits } from "../../wire/field-table.ts";
import type { Permissions } from "../auth/permissions.ts";
import type { CommitBarrier } from "../commit-barrier.ts";
import type { Message } from "../message.ts";
import type { PublishTap } from "../publish-tap.ts";
import type { Consumer } from "../queue/consumer.ts";
import type { Queue } from "../queue/queue.ts";
import type { Turn } from "../turn.ts";
import type { Vhost } from "../vhost.ts";
import type { ConfirmOutput } from "./confirm-tracker.ts";
import type { ReplyDirectory } from "./direct-reply.ts";

/** What a protocol's channel does for a session. */
export interface SessionOutput extends ConfirmOutput {
  /** False while the client does not take what it is sent. */
  readonly writable: boolean;
  deliver(consumer: Consumer, deliveryTag: number, redelivered: boolean, message: Message): void;
  /** A mandatory message had nowhere to go. */
  returned(message: Message): void;
  /** The queue of a consumer has gone. */
  consumerCancelled(consumerTag: string): void;
  /**
   * A consumer has not acknowledged in time. It stays, and gets nothing until it has answered for what it holds.
   * Undefined: it has been cancelled meanwhile, or it was basic.get.
   */
  consumerTimedOut(consumerTag: string | undefined, timeoutMilliseconds: number): void;
}

/** What a session is opened with. */
export interface SessionEnvironment {
  readonly vhost: Vhost;
  readonly userName: string;
  readonly mayImpersonate: boolean;
  /** Identity of the connection, for exclusive queues. */
  readonly connection: object;
  readonly permissions: Permissions;
  readonly replies: ReplyDirectory;
  /** Makes a queue for replies, which only `replies` leads to. */
  readonly createReplyQueue: (name: string) => Queue;
  readonly turn: Turn;
  readonly barrier: CommitBarrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly transactionBytesMax: number;
  readonly tableLimits: TableLimits;
  readonly publishTap: PublishTap | undefined;
}

/** What a client asks for when it consumes. */
export interface ConsumeRequest {
  readonly queueName: string;
  /** "": the broker makes one up. */
  readonly consumerTag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly arguments: FieldTable;
}

/** What basic.get found; valid until the next call. */
export interface GetResult {
  readonly message: Message;
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  /** Messages ready after this one. */
  readonly messageCount: number;
}
