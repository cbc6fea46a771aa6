import { type FieldTable, type PlainFieldValue, tableFrom, tableToRecord } from "../wire/field-table.ts";
import type { Properties } from "../wire/properties.ts";

/** A value in headers that have been received: what JSON can hold; octets that are no text become `{ base64 }`. */
export type PlainValue = ReturnType<typeof tableToRecord>[string];

/** Headers of a message or arguments of a queue, by name. Numbers and strings take the AMQP type that clients choose. */
export type PlainTable = Readonly<Record<string, PlainFieldValue>>;

/** The properties of a message, as a program writes them; see `docs/embedding.md`. */
export interface MessageProperties extends Omit<Properties, "headers" | "timestamp" | "deliveryMode"> {
  readonly headers?: PlainTable | undefined;
  /** Survives a restart in a durable queue (delivery mode 2). */
  readonly persistent?: boolean | undefined;
  /** Whole seconds count. */
  readonly timestamp?: Date | undefined;
}

/** The properties of a message that has been received. Those that it does not have are undefined. */
export interface ReceivedProperties extends Omit<MessageProperties, "headers" | "persistent"> {
  readonly headers: { readonly [name: string]: PlainValue };
  readonly persistent: boolean;
}

const PERSISTENT = 2;
const MILLISECONDS_PER_SECOND = 1000;

export function toProperties({ headers, persistent, timestamp, ...others }: MessageProperties): Properties {
  return {
    ...others,
    headers: headers === undefined ? undefined : tableFrom(headers),
    deliveryMode: persistent === true ? PERSISTENT : undefined,
    timestamp: timestamp === undefined ? undefined : BigInt(Math.floor(timestamp.getTime() / MILLISECONDS_PER_SECOND)),
  };
}

export function fromProperties({ headers, deliveryMode, timestamp, ...others }: Properties): ReceivedProperties {
  return {
    ...others,
    headers: headers === undefined ? {} : tableToRecord(headers),
    persistent: deliveryMode === PERSISTENT,
    timestamp: timestamp === undefined ? undefined : new Date(Number(timestamp) * MILLISECONDS_PER_SECOND),
  };
}

/** Octets of a body that is given as text or as octets. */
export function toOctets(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? Buffer.from(body) : body;
}

export function toTable(table: PlainTable | undefined): FieldTable {
  return tableFrom(table ?? {});
}
