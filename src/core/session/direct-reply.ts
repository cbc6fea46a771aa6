import type { Destination } from "../destination.ts";
import { REPLY_QUEUE_PREFIX } from "../names.ts";

/** What replies to a requester that is gone are sent to: they count as routed and vanish. */
const GONE: Destination = {
  name: REPLY_QUEUE_PREFIX,
  push: (_message, receipt, publishSequence) => receipt?.stored(publishSequence),
  refuses: () => false,
};

/**
 * The requesters of a broker by the name of their pseudo queue: what is published to it goes straight to the session
 * that consumes from `amq.rabbitmq.reply-to`. RabbitMQ: "Direct Reply-to".
 */
export class ReplyDirectory {
  readonly #destinations = new Map<string, Destination>();

  add(destination: Destination): void {
    this.#destinations.set(destination.name, destination);
  }

  /** The requester is gone: replies vanish from now on. */
  remove(destination: Destination): void {
    this.#destinations.delete(destination.name);
  }

  /** True while there is a requester of that name. */
  isLive(name: string): boolean {
    return this.#destinations.has(name);
  }

  /** Where to send replies to that name. */
  destination(name: string): Destination {
    return this.#destinations.get(name) ?? GONE;
  }
}
