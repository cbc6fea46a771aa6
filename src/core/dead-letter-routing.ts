import type { Clock } from "../lib/clock.ts";
import type { Destination, Exchange, RoutingInput } from "./exchange/exchange.ts";
import type { Route } from "./exchange/route.ts";
import type { Message } from "./message.ts";
import { type DeathReason, isDeathCycle } from "./queue/dead-letter/death.ts";
import { type DeadLetter, deadLetterOf } from "./queue/dead-letter/dead-letter.ts";
import type { DeadLetterRouter } from "./queue/dead-letter/dead-letter-router.ts";
import type { QueueSettings } from "./queue/queue-settings.ts";

/** What dead-lettering needs of a virtual host. */
export interface DeadLetterTopology {
  findExchange(name: string): Exchange | undefined;
  route(exchange: Exchange, input: RoutingInput): Route;
}

interface AddressedLetter {
  readonly exchange: Exchange;
  readonly letter: DeadLetter;
}

/**
 * Publishes what dies in the queues of a virtual host. No permission is asked: the queue's declare has been checked.
 * RabbitMQ: "Dead Letter Exchanges".
 */
export class DeadLetterRouting implements DeadLetterRouter {
  readonly #topology: DeadLetterTopology;
  readonly #clock: Clock;
  /** A message that arrives may make another one die, and so on along a chain too long for recursion. */
  #waiting: AddressedLetter[] = [];
  #busy = false;

  constructor(topology: DeadLetterTopology, clock: Clock) {
    this.#topology = topology;
    this.#clock = clock;
  }

  deadLetter(message: Message, queueName: string, reason: DeathReason, settings: QueueSettings): void {
    const addressed = this.#address(message, queueName, reason, settings);
    if (addressed === undefined) return;
    this.#waiting.push(addressed);
    if (this.#busy) return;
    this.#busy = true;
    try {
      this.#publishWaiting();
    } finally {
      this.#busy = false;
    }
  }

  tryDeadLetter(message: Message, queueName: string, reason: DeathReason, settings: QueueSettings): boolean {
    const addressed = this.#address(message, queueName, reason, settings);
    if (addressed === undefined) return false;
    const { letter } = addressed;
    const destinations = this.#destinations(addressed);
    const refused = destinations.some((destination) => destination.refuses(1, letter.message.bodyBytes));
    if (destinations.length === 0 || refused) return false;
    for (const destination of destinations) destination.push(letter.message, undefined, 0);
    return true;
  }

  #address(
    message: Message,
    queueName: string,
    reason: DeathReason,
    { deadLetterExchange, deadLetterRoutingKey }: QueueSettings,
  ): AddressedLetter | undefined {
    if (deadLetterExchange === undefined) return undefined;
    const exchange = this.#topology.findExchange(deadLetterExchange);
    if (exchange === undefined) return undefined;
    const letter = deadLetterOf(message, {
      queueName,
      reason,
      exchangeName: deadLetterExchange,
      routingKey: deadLetterRoutingKey,
      now: this.#clock.now(),
    });
    return { exchange, letter };
  }

  #publishWaiting(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      for (const destination of this.#destinations(next)) destination.push(next.letter.message, undefined, 0);
    }
  }

  /** Where the letter goes; not where it would go round in a circle. */
  #destinations({ exchange, letter }: AddressedLetter): Destination[] {
    const { message, routingKeys, headers } = letter;
    const { destinations } = this.#topology.route(exchange, { routingKeys, headers: () => headers, message });
    return destinations.filter(({ name }) => !isDeathCycle(headers, name));
  }
}
