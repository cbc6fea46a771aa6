import type { FieldTable } from "../../wire/field-table.ts";
import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../ports.ts";
import type { QueueType } from "../queue-type.ts";
import type { ConsumedQueue, Consumer, ConsumerOptions, DeliverySink } from "./consumer.ts";
import type { DeadLetterRouter } from "./dead-letter/dead-letter-router.ts";
import type { QueueSettings } from "./queue-settings.ts";

export interface QueueOptions {
  /** Unique among the queues and exchanges of the broker; the store's name for it. */
  readonly id: number;
  readonly name: string;
  readonly vhostName: string;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection that alone may use it; undefined: not exclusive. */
  readonly exclusiveOwner: object | undefined;
  readonly arguments: FieldTable;
  /** What its arguments and the policies for it come to. */
  readonly settings: QueueSettings;
  /** Where messages go that die in it. */
  readonly deadLetters: DeadLetterRouter;
}

/** Is told that a message which basic.get took has not been acknowledged in time and has been taken back. */
export type GetTimedOut = (queue: ConsumedQueue, sequence: number, timeoutMilliseconds: number) => void;

/** What every type of queue can do. One instance is one queue of a virtual host. */
export interface Queue extends Destination, ConsumedQueue {
  readonly id: number;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusiveOwner: object | undefined;
  readonly arguments: FieldTable;
  /** What its arguments and the policies for it come to at present. */
  readonly settings: QueueSettings;
  /** Called when the last consumer of an auto-delete queue is gone. */
  onUnused: (() => void) | undefined;
  /** Called when nobody has used the queue for as long as x-expires says: it is to be deleted. */
  onExpired: (() => void) | undefined;
  /** Called when the queue has been dropped. */
  onDropped: (() => void) | undefined;
  /** Messages that can be delivered now. */
  readonly readyCount: number;
  /** Octets of their bodies. */
  readonly readyBytes: number;
  /** Messages delivered and not yet acknowledged. */
  readonly unackedCount: number;
  /** Messages that wait for a delay to pass; they are neither ready nor unacknowledged. */
  readonly delayedCount: number;
  readonly consumerCount: number;
  /** Whether the message that the last {@link get} took may have been delivered before. */
  readonly gotRedelivered: boolean;

  /** Policies have changed: acts by `settings` from now on, on what is there too. */
  configure(settings: QueueSettings): void;
  /**
   * Adds a consumer.
   * @throws BrokerError ACCESS_REFUSED when it or one that is there wants to be the only one; what the type refuses
   */
  consume(sink: DeliverySink, options: ConsumerOptions): Consumer;
  /**
   * Takes the next ready message, if there is one, into `message`; returns its sequence number or -1. `timedOut` is
   * called if it is not settled in time, where a queue has a consumer timeout.
   * @throws BrokerError when the type has no basic.get
   */
  get(message: Message, timedOut?: GetTimedOut): number;
  /** A stream: it is partition number `partition`, from 0, of a super stream. Other types have no partitions. */
  setPartition?(partition: number): void;
  /** Somebody has declared the queue again, which renews the lease (x-expires) of a classic one. */
  touch(): void;
  /** Removes the ready messages and returns how many there were. @throws BrokerError when the type cannot */
  purge(): number;
  /** Sets no timer any more: the broker is closing. */
  stop(): void;
  /** Removes everything and cancels the consumers; returns how many messages were ready. The queue accepts nothing afterwards. */
  drop(): number;

  /** Takes over what recovery found: a note the queue has left in the store. Notes come before chunks. */
  recoverNote(key: Uint8Array, value: Uint8Array): void;
  /** Takes over what recovery found: chunks come in ascending order. */
  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void;
}
