import { type FieldTable, tableFrom, tableToRecord } from "../wire/field-table.ts";
import type { Properties } from "../wire/properties.ts";

/**
 * A value in headers that have been received: what JSON can hold. Octets that are no text become base64, integers
 * beyond 2^53 decimal digits.
 */
export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [name: string]: PlainValue };

/** A value in headers or arguments. Integers become 64-bit ones, other numbers doubles; an object is a table. */
export type GivenValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly GivenValue[]
  | { readonly [name: string]: GivenValue };

/** Headers of a message or arguments of a queue, by name. */
export type PlainTable = Readonly<Record<string, GivenValue>>;

/** The properties of a message, as a program writes them. What they mean AMQP 0-9-1 and RabbitMQ say. */
export interface MessageProperties {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly headers?: PlainTable | undefined;
  /** Survives a restart in a durable queue (delivery mode 2). */
  readonly persistent?: boolean | undefined;
  /** 0 to 255; how many of these differ the queue's `x-max-priority` says. */
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  /** Milliseconds until the message expires, as decimal digits. */
  readonly expiration?: string | undefined;
  readonly messageId?: string | undefined;
  /** Whole seconds count. */
  readonly timestamp?: Date | undefined;
  readonly type?: string | undefined;
  /** Must be the user of the channel. */
  readonly userId?: string | undefined;
  readonly appId?: string | undefined;
  readonly clusterId?: string | undefined;
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
