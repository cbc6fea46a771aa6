import type { Fields } from "../codec/fields.ts";
import type { Performative } from "../codec/performatives.ts";
import { entriesOf } from "../codec/type-names.ts";
import type { Typed } from "../codec/types.ts";
import type { UnsettledDeliveries } from "./unsettled-deliveries.ts";

/** How the sending end settles: part 2.8.2. */
export const SENDER_SETTLES = { unsettled: 0, settled: 1, mixed: 2 } as const;

/**
 * How a link ends. "closed": for good. "detached": the client may come back to it. "lost": its session has ended around it,
 * and whatever the client holds it may have failed on.
 */
export type LinkEnd = "closed" | "detached" | "lost";

/** Which end settles first what goes to the receiver: part 2.8.3. */
export const RECEIVER_SETTLES = { first: 0, second: 1 } as const;

/** One link of a session. A session is told what the client does with it. */
export interface Link {
  readonly name: string;
  /** Our handle: the client's own, which is unique in the session too. */
  readonly handle: number;
  /** True when the client receives on it. */
  readonly clientReceives: boolean;
  /** Something durable goes with it when it is closed for good. */
  readonly isDurable: boolean;
  /** The client's flow for this link. @throws Amqp10Error or BrokerError for what ends the link */
  takeFlow(flow: Fields): void;
  /** The client's transfer. @throws Amqp10Error or BrokerError for what ends the link */
  takeTransfer(performative: Performative, buffer: Buffer, end: number): void;
  /** The client has settled deliveries `first` to `last` of those it has sent, on this link or on another. */
  takeSettlement(first: number, last: number): void;
  /** The client takes output again. */
  outputWritable(): void;
  /** The link is over. */
  end(how: LinkEnd): void;
}

/** What a client asks for in its attach. */
export interface AttachRequest {
  readonly name: string;
  readonly handle: number;
  readonly senderSettleMode: number;
  readonly receiverSettleMode: number;
  readonly source: Typed | undefined;
  readonly target: Typed | undefined;
  /** The tags, an octet a character, of deliveries that the client holds for unsettled; undefined: it resumes nothing. */
  readonly unsettledTags: ReadonlySet<string> | undefined;
  /** There are more of them. */
  readonly unsettledIncomplete: boolean;
  readonly initialDeliveryCount: number;
  /** The largest message it takes; Infinity: any. */
  readonly messageBytesMax: number;
  readonly properties: ReadonlyMap<string, Typed>;
  /** The same, as they came. */
  readonly rawProperties: Typed | undefined;
}

/**
 * The credit that a receiver's flow leaves a sender which has sent `deliveryCount` messages; undefined when it says nothing
 * of credit. Source: part 2.6.7.
 */
export function creditLeft(flow: Fields, deliveryCount: number): number | undefined {
  const credit = flow.number(6);
  if (credit === undefined) return undefined;
  const onTheWay = (deliveryCount - (flow.number(5) ?? 0)) >>> 0;
  return Math.max(0, credit - onTheWay);
}

export function readAttach(fields: Fields): AttachRequest {
  const messageBytesMax = fields.number(10, Number.POSITIVE_INFINITY) ?? 0;
  return {
    name: fields.text(0) ?? "",
    handle: fields.requiredNumber(1),
    senderSettleMode: fields.number(3, SENDER_SETTLES.mixed) ?? SENDER_SETTLES.mixed,
    receiverSettleMode: fields.number(4, RECEIVER_SETTLES.second) ?? RECEIVER_SETTLES.first,
    source: fields.get(5),
    target: fields.get(6),
    unsettledTags: tagsOf(fields.get(7)),
    unsettledIncomplete: fields.flag(8),
    initialDeliveryCount: fields.number(9) ?? 0,
    messageBytesMax: messageBytesMax === 0 ? Number.POSITIVE_INFINITY : messageBytesMax,
    properties: fields.record(13),
    rawProperties: fields.get(13),
  };
}

function tagsOf(unsettled: Typed | undefined): ReadonlySet<string> | undefined {
  const entries = entriesOf(unsettled);
  if (entries === undefined) return undefined;
  const tags = new Set<string>();
  for (const [{ value }] of entries) if (Buffer.isBuffer(value)) tags.add(value.toString("latin1"));
  return tags;
}

/** A link whose ends are there. */
export interface PreparedLink {
  /** Something durable has been declared for it: the attach is to be answered when that is on disk. */
  readonly isDurable: boolean;
  /** Makes the link and answers the attach. @throws Amqp10Error or BrokerError; the attach has not been answered then */
  attach(): Link;
}

/** What we answer an attach with, beside its name and handle. */
export interface AttachAnswer {
  readonly senderSettleMode: number;
  /** Default: first. */
  readonly receiverSettleMode?: number | undefined;
  readonly source: Typed | undefined;
  readonly target: Typed | undefined;
  /** Of a link that is resumed: what we hold for unsettled. */
  readonly unsettled?: UnsettledDeliveries | undefined;
  readonly messageBytesMax?: number | undefined;
  readonly properties?: Typed | undefined;
  readonly offeredCapabilities?: readonly string[] | undefined;
}
