import { BrokerError } from "./errors.ts";

/** What a name names; also the word used for it in error texts. */
export type ResourceKind = "queue" | "exchange";

/** The default exchange: every queue is bound to it by its own name. */
export const DEFAULT_EXCHANGE_NAME = "";

/** Queue that a requester consumes from to use direct reply-to; it is never declared. */
export const REPLY_QUEUE_NAME = "amq.rabbitmq.reply-to";

/** What the name of one requester's pseudo queue starts with; the rest is opaque. */
export const REPLY_QUEUE_PREFIX = `${REPLY_QUEUE_NAME}.`;

/** What the name of a server-named queue starts with. */
export const SERVER_NAMED_QUEUE_PREFIX = "amq.gen-";

/** Names that start so are created by the broker only. */
const RESERVED_PREFIX = "amq.";

/** Longest name of a queue or exchange, in octets of UTF-8: what a shortstr can carry. */
const NAME_BYTES_MAX = 255;

const LINE_BREAKS = /[\r\n]/g;

/** A queue or exchange as error texts name it, e.g. `queue 'q' in vhost '/'`. */
export function resourceText(kind: ResourceKind, name: string, vhostName: string): string {
  return `${kind} '${name}' in vhost '${vhostName}'`;
}

/**
 * The name a declare, delete or bind means: `name` without carriage returns and line feeds, which RabbitMQ removes.
 * @throws BrokerError 406 when it is longer than 255 octets, which a protocol other than AMQP 0-9-1 can send.
 */
export function cleanName(kind: ResourceKind, name: string): string {
  const cleaned = name.replace(LINE_BREAKS, "");
  if (Buffer.byteLength(cleaned) > NAME_BYTES_MAX) {
    throw new BrokerError("PRECONDITION_FAILED", `${kind} name is longer than ${NAME_BYTES_MAX} octets`);
  }
  return cleaned;
}

/** True for the names only the broker may create [queue.declare/reserved, exchange.declare/reserved]. */
export function isReservedName(name: string): boolean {
  return name.startsWith(RESERVED_PREFIX);
}

/** @throws BrokerError 403 when a client may not create something of this name. */
export function checkNotReserved(kind: ResourceKind, name: string): void {
  if (isReservedName(name)) {
    throw new BrokerError("ACCESS_REFUSED", `${kind} name '${name}' contains reserved prefix 'amq.*'`);
  }
}

/** @throws BrokerError 403 for the default exchange, which can be neither declared, deleted nor bound. */
export function checkNotDefaultExchange(name: string): void {
  if (name === DEFAULT_EXCHANGE_NAME) {
    throw new BrokerError("ACCESS_REFUSED", "operation not permitted on the default exchange");
  }
}

/** The 404 for a queue or exchange that is not there. */
export function notFound(kind: ResourceKind, name: string, vhostName: string): BrokerError {
  return new BrokerError("NOT_FOUND", `no ${resourceText(kind, name, vhostName)}`);
}
