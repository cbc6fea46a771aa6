import { randomName, type Random } from "../../lib/random.ts";
import type { Destination } from "../exchange/exchange.ts";
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
  readonly #deliver: (message: Message) => void;

  constructor(consumerTag: string, random: Random, deliver: (message: Message) => void) {
    this.name = randomName(REPLY_QUEUE_PREFIX, random);
    this.consumerTag = consumerTag;
    this.#deliver = deliver;
  }

  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    this.#deliver(message);
    receipt?.stored(publishSequence);
  }
}

/** The requesters of a broker by the name of their pseudo queue. */
export class ReplyDirectory {
  readonly #destinations = new Map<string, ReplyDestination>();

  add(destination: ReplyDestination): void {
    this.#destinations.set(destination.name, destination);
  }

  remove(destination: ReplyDestination): void {
    this.#destinations.delete(destination.name);
  }

  find(name: string): ReplyDestination | undefined {
    return this.#destinations.get(name);
  }
}
