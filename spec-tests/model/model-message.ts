import type { PlainJson } from "../../src/wire/field-table-json.ts";
import type { Publish } from "./operation.ts";

export type Reason = "rejected" | "expired" | "maxlen" | "delivery_limit";

type Headers = Readonly<Record<string, PlainJson>>;

/** What a receiver sees of a message. */
export interface MessageView {
  readonly body: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly deliveryMode: number | undefined;
  readonly priority: number | undefined;
  readonly expiration: string | undefined;
  readonly headers: Headers | undefined;
}

/** A message as the model keeps it. */
export interface ModelMessage extends MessageView {
  readonly bcc: readonly string[];
  readonly publishedAt: number;
  /** By its own expiration; Infinity: never. */
  readonly expiresAt: number;
  /** The broker has published it to a dead letter exchange. */
  readonly deadLettered: boolean;
  /** A consumer has failed on it before it died. */
  readonly hasFailed: boolean;
}

export interface Death {
  readonly queue: string;
  readonly reason: Reason;
  readonly now: number;
  readonly exchange: string;
  readonly routingKey: string | undefined;
}

const PERSISTENT = 2;
const TRANSIENT = 1;

export function isPersistent({ deliveryMode }: ModelMessage): boolean {
  return deliveryMode === PERSISTENT;
}

/** The headers as a publisher sends them. */
export function publishedHeaders({ headers, cc, bcc, delay }: Publish): Headers | undefined {
  const all = { ...headers, ...(cc && { CC: cc }), ...(bcc && { BCC: bcc }), ...(delay && { "x-delay": delay }) };
  return Object.keys(all).length === 0 ? undefined : all;
}

export function deliveryModeOf({ persistent }: Publish): number {
  return persistent ? PERSISTENT : TRANSIENT;
}

export function published(publish: Publish, body: string, now: number): ModelMessage {
  const { exchange, routingKey, priority, expiration, bcc = [] } = publish;
  const headers = publishedHeaders(publish);
  const { BCC: _, ...visible } = headers ?? {};
  return {
    body,
    exchange,
    routingKey,
    deliveryMode: deliveryModeOf(publish),
    priority,
    expiration: expiration?.toString(),
    headers: headers === undefined ? undefined : visible,
    bcc,
    publishedAt: now,
    expiresAt: expiration === undefined ? Number.POSITIVE_INFINITY : now + expiration,
    deadLettered: false,
    hasFailed: false,
  };
}

/** The routing key and those in CC. */
function visibleKeys({ routingKey, headers }: ModelMessage): string[] {
  return [routingKey, ...((headers?.["CC"] ?? []) as string[])];
}

export function routingKeys(message: ModelMessage): string[] {
  return [...visibleKeys(message), ...message.bcc];
}

/** Milliseconds it asks to wait; 0: none. */
export function delayOf({ headers }: ModelMessage): number {
  return Math.max(0, (headers?.["x-delay"] ?? 0) as number);
}

/** The message as it is while it waits: with a negative x-delay. */
export function delayed(message: ModelMessage): ModelMessage {
  return { ...message, headers: { ...message.headers, "x-delay": -delayOf(message) } };
}

/** The message when it has waited: time begins anew for it. */
export function dueNow(message: ModelMessage, now: number): ModelMessage {
  return { ...message, publishedAt: now, expiresAt: now + message.expiresAt - message.publishedAt };
}

/** Reference 2.4: what is published to the dead letter exchange. */
export function deadLetter(message: ModelMessage, death: Death): ModelMessage {
  const { queue, reason, now, exchange, routingKey } = death;
  const before = message.headers ?? {};
  const earlier = message.deadLettered ? deathsOf(message) : [];
  const same = earlier.find((entry) => entry["queue"] === queue && entry["reason"] === reason);
  const entry =
    same === undefined
      ? {
          ...(message.expiration !== undefined && { "original-expiration": message.expiration }),
          count: 1,
          reason,
          queue,
          time: Math.floor(now / 1000),
          exchange: message.exchange,
          "routing-keys": visibleKeys(message),
        }
      : { ...same, count: (same["count"] as number) + 1 };
  const first = {
    "x-first-death-queue": queue,
    "x-first-death-reason": reason,
    "x-first-death-exchange": message.exchange,
  };
  return {
    ...message,
    exchange,
    routingKey: routingKey ?? message.routingKey,
    expiration: undefined,
    headers: {
      ...before,
      ...(message.deadLettered ? {} : first),
      "x-death": [entry, ...earlier.filter((other) => other !== same)],
      "x-last-death-queue": queue,
      "x-last-death-reason": reason,
      "x-last-death-exchange": message.exchange,
    },
    bcc: routingKey === undefined ? message.bcc : [],
    publishedAt: now,
    expiresAt: Number.POSITIVE_INFINITY,
    deadLettered: true,
  };
}

/** The keys that lead a dead letter on: with a key of the queue's own, just that. */
export function deadLetterKeys(letter: ModelMessage, routingKey: string | undefined): string[] {
  return routingKey === undefined ? routingKeys(letter) : [routingKey];
}

/** Reference 2.4, cycle: the message has died in `queue`, and has not been rejected since. */
export function isCycle(letter: ModelMessage, queue: string): boolean {
  const deaths = deathsOf(letter);
  const index = deaths.findIndex((entry) => entry["queue"] === queue);
  return index >= 0 && deaths.slice(0, index + 1).every((entry) => entry["reason"] !== "rejected");
}

/** By what the broker itself has noted in its headers. */
export function hasDiedIn(message: ModelMessage, queue: string): boolean {
  return message.deadLettered && deathsOf(message).some((entry) => entry["queue"] === queue);
}

function deathsOf({ headers }: ModelMessage): Record<string, PlainJson>[] {
  return (headers?.["x-death"] ?? []) as Record<string, PlainJson>[];
}

/** What a receiver sees; the counts are those of a queue that keeps count. */
export function viewOf(message: ModelMessage, acquiredCount: number, failedCount: number): MessageView {
  const { body, exchange, routingKey, deliveryMode, priority, expiration } = message;
  const counts = {
    ...(acquiredCount > 0 && { "x-acquired-count": acquiredCount }),
    ...(acquiredCount > 0 && failedCount > 0 && { "x-delivery-count": failedCount }),
  };
  const headers = acquiredCount > 0 ? { ...message.headers, ...counts } : message.headers;
  return { body, exchange, routingKey, deliveryMode, priority, expiration, headers };
}
