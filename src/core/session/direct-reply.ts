import { randomName, type Random } from "../../lib/random.ts";
import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import { REPLY_QUEUE_PREFIX } from "../names.ts";
import type { Receipt } from "../receipt.ts";

/**
 * The pseudo queue of one requester: what is published to it goes straight to the session that consumes from
 * `amq.rabbitmq.reply-to`. RabbitMQ: "Direct Reply-to".
 */
export class ReplyDestination implements Destination {
  readonly name: string;
  readonly consumerTag: string;
  #closed = false;
  readonly #deliver: (message: Message) => void;

  constructor(consumerTag: string, random: Random, deliver: (message: Message) => void) {
    this.name = randomName(REPLY_QUEUE_PREFIX, random);
    this.consumerTag = consumerTag;
    this.#deliver = deliver;
  }

  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    if (!this.#closed) this.#deliver(message);
    receipt?.stored(publishSequence);
  }

  refuses(): boolean {
    return false;
  }

  /** The requester is gone: replies vanish from now on. */
  close(): void {
    this.#closed = true;
  }
}

/** What replies to a requester that is gone are sent to: they count as routed and vanish. */
const GONE: Destination = {
  name: REPLY_QUEUE_PREFIX,
  push: (_message, receipt, publishSequence) => receipt?.stored(publishSequence),
  refuses: () => false,
};

/** The requesters of a broker by the name of their pseudo queue. */
export class ReplyDirectory {
  readonly #destinations = new Map<string, ReplyDestination>();

  add(destination: ReplyDestination): void {
    this.#destinations.set(destination.name, destination);
  }

  remove(destination: ReplyDestination): void {
    destination.close();
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
