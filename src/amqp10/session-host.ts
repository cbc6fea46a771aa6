import type { Broker, ConnectionIdentity } from "../core/broker.ts";
import type { UnfinishedBudget } from "../core/unfinished-budget.ts";
import type { Typed } from "./codec/types.ts";
import type { DurableReplies } from "./durable-replies.ts";
import type { FrameOutput } from "./frame-output.ts";

/** A connection as its sessions see it. */
export interface SessionHost {
  readonly broker: Broker;
  readonly identity: ConnectionIdentity;
  readonly output: FrameOutput;
  readonly containerId: string;
  /** The largest frame the client takes. */
  readonly frameBytesMax: number;
  /** What its links keep of messages that are not complete. */
  readonly unfinished: UnfinishedBudget;
  /** What it has to say when the store has written. */
  readonly replies: DurableReplies;
  /** Gives an answer once every definition changed so far is durable; until then nothing more is read from the client. */
  answerWhenDurable(answer: () => void): void;
  /** Octets of messages that wait for the windows of its sessions to open. */
  waitingBytes: number;
  /** Fewer octets wait than may. */
  waitingTaken(): void;
  /** Set when a message has been published. */
  published: boolean;
}

/** A session as those see it who settle deliveries on it. */
export interface SettlingSession {
  readonly host: SessionHost;
  /** Settles deliveries `first` to `last`, of which the client is the sender (`clientSent`) or the receiver. */
  settle(clientSent: boolean, first: number, last: number, state: Typed): void;
  /** Tells the client, as their sender, what has become of deliveries `first` to `last`: it is to settle them. */
  decide(first: number, last: number, state: Typed): void;
}
