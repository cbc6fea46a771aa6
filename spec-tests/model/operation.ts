import type { PlainJson } from "../../src/wire/field-table-json.ts";

/** Arguments of a queue, an exchange or a binding, or the definition of a policy. */
export type PlainArguments = Readonly<Record<string, string | number | boolean>>;

export type SessionMode = "plain" | "confirms" | "transactions";

/** What is published. */
export interface Publish {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly persistent: boolean;
  readonly bodyBytes: number;
  readonly priority?: number;
  /** Milliseconds; left out when several queues would get the message, since nothing says which of them is looked at first. */
  readonly expiration?: number;
  readonly cc?: readonly string[];
  readonly bcc?: readonly string[];
  /** Milliseconds in the header x-delay. */
  readonly delay?: number;
  readonly headers?: Readonly<Record<string, PlainJson>>;
}

/**
 * Something that is done to the broker, as plain data. It refers to what there is at that time by a number that picks
 * one (`session`, `which`), and does nothing when there is nothing to pick from, so that any part of a list of operations
 * can be played too.
 */
export type Operation =
  | { readonly do: "publish"; readonly session: number; readonly publish: Publish }
  | { readonly do: "commit" | "rollback" | "recover" | "toggleWritable"; readonly session: number }
  | { readonly do: "reopen"; readonly session: number; readonly mode: SessionMode }
  | {
      readonly do: "consume";
      readonly session: number;
      readonly queue: string;
      readonly tag: string;
      readonly noAck: boolean;
      readonly exclusive: boolean;
      readonly priority: number;
    }
  | { readonly do: "cancel"; readonly session: number; readonly tag: string }
  | { readonly do: "qos"; readonly session: number; readonly count: number }
  | { readonly do: "get"; readonly session: number; readonly queue: string; readonly noAck: boolean }
  | {
      readonly do: "acknowledge";
      readonly session: number;
      readonly which: number;
      readonly multiple: boolean;
      readonly outcome: "accepted" | "released" | "failed" | "rejected";
    }
  | {
      readonly do: "declareQueue";
      readonly queue: string;
      readonly durable: boolean;
      readonly autoDelete: boolean;
      readonly arguments: PlainArguments;
    }
  | { readonly do: "deleteQueue" | "purge"; readonly queue: string }
  | {
      readonly do: "declareExchange";
      readonly exchange: string;
      readonly type: string;
      readonly durable: boolean;
      readonly autoDelete: boolean;
      readonly arguments: PlainArguments;
    }
  | { readonly do: "deleteExchange"; readonly exchange: string }
  | {
      readonly do: "bind" | "unbind";
      readonly source: string;
      /** A queue or an exchange; their names differ. */
      readonly target: string;
      readonly routingKey: string;
      readonly arguments: PlainArguments;
    }
  | {
      readonly do: "setPolicy";
      readonly name: string;
      readonly operator: boolean;
      readonly pattern: string;
      readonly applyTo: string;
      readonly priority: number;
      readonly definition: PlainArguments;
    }
  | { readonly do: "clearPolicy"; readonly name: string; readonly operator: boolean }
  | { readonly do: "pass"; readonly milliseconds: number }
  | { readonly do: "holdCommits" | "releaseCommits" }
  /** The next so many commits fail. */
  | { readonly do: "failCommits"; readonly count: number }
  /** A crash loses what is not committed; otherwise every session is closed and everything written first. */
  | { readonly do: "restart"; readonly crash: boolean; readonly downMilliseconds: number };

/** An operation and whether the turn of the event loop ends behind it. */
export interface Step {
  readonly operation: Operation;
  readonly endsTurn: boolean;
}
