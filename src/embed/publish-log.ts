import type { Destination } from "../core/destination.ts";
import type { Message } from "../core/message.ts";
import type { PublishOrigin } from "../core/publish-tap.ts";
import { contentBody, contentProperties } from "../wire/content.ts";
import { decodeProperties } from "../wire/properties.ts";
import { fromProperties, type ReceivedProperties } from "./plain-message.ts";

/** A message that a client has published, and where it went. */
export interface PublishedMessage {
  readonly vhost: string;
  readonly user: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: ReceivedProperties;
  readonly body: Buffer;
  /**
   * The names of the queues it was routed to, in no particular order; none: it was unroutable. A message that an
   * exchange delays has gone to `amq.delayed-` and the exchange's name: its queues are found when its time has come.
   */
  readonly queues: readonly string[];
}

/** Which published messages are meant: those for which everything that is given is the same. */
export interface PublishFilter {
  readonly vhost?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
  /** One of the queues it was routed to. */
  readonly queue?: string;
}

/** Keeps the last messages that clients have published, up to a limit. */
export class PublishLog {
  readonly #messagesMax: number;
  #messages: PublishedMessage[] = [];

  /** @param messagesMax 0: none is kept */
  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax;
  }

  /** Whether anything is kept at all. */
  get enabled(): boolean {
    return this.#messagesMax > 0;
  }

  add(message: Message, destinations: readonly Destination[], origin: PublishOrigin): void {
    if (!this.enabled) return;
    // Twice the limit before the older half goes, so that a full log does not move with every message.
    if (this.#messages.length >= 2 * this.#messagesMax) this.#messages = this.#messages.slice(-this.#messagesMax);
    const { buffer, contentStart, contentEnd } = message;
    const { start, end } = contentProperties(buffer, contentStart);
    this.#messages.push({
      vhost: origin.vhost.name,
      user: origin.userName,
      exchange: message.exchangeName,
      routingKey: message.routingKey,
      properties: fromProperties(decodeProperties(buffer, start, end)),
      body: Buffer.from(contentBody(buffer, contentStart, contentEnd)),
      queues: destinations.flatMap((destination) => destination.parts ?? destination).map(({ name }) => name),
    });
  }

  /** What is kept and meant, oldest first. */
  find(filter: PublishFilter): PublishedMessage[] {
    return this.#messages.slice(-this.#messagesMax).filter((message) => matches(message, filter));
  }

  clear(): void {
    this.#messages = [];
  }
}

/** Whether a filter means a message; a part of the filter that is not given means any. */
export function matches(message: PublishedMessage, { vhost, exchange, routingKey, queue }: PublishFilter): boolean {
  return (
    (vhost ?? message.vhost) === message.vhost &&
    (exchange ?? message.exchange) === message.exchange &&
    (routingKey ?? message.routingKey) === message.routingKey &&
    (queue === undefined || message.queues.includes(queue))
  );
}
