import { delayOf } from "../delay-header.ts";
import type { DelayLine } from "../delay-line.ts";
import type { Destination } from "../destination.ts";
import { BrokerError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { ExchangeStorage } from "../store-owner.ts";
import type { Exchange, RoutingInput } from "./exchange.ts";
import type { ExchangeEnvironment } from "./exchange-environment.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { hasFurtherKeys, heldInput } from "./held-input.ts";
import { KeptRoutes } from "./kept-routes.ts";
import { type Route, routeMessage } from "./route.ts";
import { sharedStorage } from "./shared-storage.ts";
import type { Target } from "./target.ts";
import { WrappingExchange } from "./wrapping-exchange.ts";

export const DELAYED_MESSAGE = "x-delayed-message";

const DELAYED_TYPE = "x-delayed-type";

/** What the messages of an exchange wait in is called; clients cannot give a queue such a name. */
const LINE_PREFIX = "amq.delayed-";

/**
 * An exchange of any other type that first keeps a message for as long as its x-delay header says. What it routes then
 * goes where the bindings lead at that time. RabbitMQ: delayed message exchange plugin.
 */
export class DelayedMessageExchange extends WrappingExchange {
  readonly type = DELAYED_MESSAGE;
  readonly stored: ExchangeStorage;
  readonly delayLine: DelayLine;
  readonly #exchangeByName: (name: string) => Exchange | undefined;
  /** Where messages go that have waited. */
  readonly #routes: KeptRoutes;

  /** @param within the exchange of the type it delays messages for, under its own name and id */
  constructor(id: number, within: Exchange, environment: ExchangeEnvironment) {
    super(within);
    this.#exchangeByName = environment.exchangeByName;
    this.#routes = new KeptRoutes(environment.routeChanges);
    this.delayLine = environment.createDelayLine({
      id,
      name: LINE_PREFIX + within.name,
      durable: within.durable,
      release: (message) => this.#route(message),
    });
    this.stored = within.stored === undefined ? this.delayLine : sharedStorage(this.delayLine, within.stored);
  }

  get alternateExchange(): string | undefined {
    return this.within.alternateExchange;
  }

  get delayedCount(): number {
    return this.delayLine.count;
  }

  /** A message that has a delay before it goes to the delay line alone. */
  match(input: RoutingInput, targets: Set<Target>): void {
    const { message } = input;
    if (message !== undefined && delayOf(message) > 0) targets.add(this.delayLine);
    else this.within.match(input, targets);
  }

  /** Routes a message that has waited. */
  #route(message: Message): void {
    for (const destination of this.#destinationsOf(message)) destination.push(message, undefined, 0);
  }

  #destinationsOf(message: Message): readonly Destination[] {
    if (hasFurtherKeys(message)) return this.#routeFromWithin(message).destinations;
    const known = this.#routes.find(message);
    if (known !== undefined) return known.destinations;
    const { destinations, cacheable, exchangeNames } = this.#routeFromWithin(message);
    if (cacheable) this.#routes.keep(message, destinations, exchangeNames);
    return destinations;
  }

  #routeFromWithin(message: Message): Route {
    return routeMessage(this.within, heldInput(message), this.#exchangeByName);
  }
}

/**
 * The declare of the exchange that does the routing for an x-delayed-message exchange.
 *
 * @throws BrokerError PRECONDITION_FAILED when x-delayed-type names none (texts as the plugin)
 */
export function specWithin(spec: ExchangeSpec): ExchangeSpec {
  const argument = spec.arguments.get(DELAYED_TYPE);
  if (argument?.type !== "longstr") {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `Invalid argument, '${DELAYED_TYPE}' must be an existing exchange type`,
    );
  }
  if (argument.value === DELAYED_MESSAGE) {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `Invalid argument, '${DELAYED_MESSAGE}' can't be used for '${DELAYED_TYPE}'`,
    );
  }
  return { ...spec, type: argument.value };
}
