// Hot file: match runs for every message of an exchange that looks for duplicates.

import { DeduplicatedRoute } from "../deduplication/deduplicated-route.ts";
import { deduplicationOptions } from "../deduplication/deduplication-options.ts";
import { WindowFilter } from "../deduplication/window-filter.ts";
import type { ExchangeStorage } from "../store-owner.ts";
import type { Exchange, RoutingInput } from "./exchange.ts";
import type { ExchangeEnvironment } from "./exchange-environment.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { routeMessage } from "./route.ts";
import type { Target } from "./target.ts";
import { WrappingExchange } from "./wrapping-exchange.ts";

/**
 * An exchange that drops duplicates before another one, within, routes them: a fanout exchange for the type
 * x-message-deduplication, otherwise the one whose arguments ask for it. RabbitMQ: message deduplication plugin;
 * LavinMQ: "Deduplication".
 *
 * What has no key and what a queue has dead-lettered is routed as by the exchange within.
 */
export class MessageDeduplicationExchange extends WrappingExchange {
  /** The exchange within has it, and it is followed from there. */
  readonly alternateExchange = undefined;
  readonly stored: ExchangeStorage | undefined;
  readonly #filter: WindowFilter;
  readonly #exchangeByName: (name: string) => Exchange | undefined;
  /** True while a message is routed, which may lead back here. */
  #isRouting = false;

  /**
   * Makes the exchange whose checked arguments these are; `createWithin` makes the one within.
   * @throws BrokerError PRECONDITION_FAILED as `createWithin`
   */
  static create(
    spec: ExchangeSpec,
    environment: ExchangeEnvironment,
    createWithin: (spec: ExchangeSpec, environment: ExchangeEnvironment) => Exchange,
  ): MessageDeduplicationExchange {
    const options = deduplicationOptions(spec.arguments);
    if (!spec.durable || !options.persistent) {
      const filter = new WindowFilter(options, undefined, environment.deduplication);
      return new MessageDeduplicationExchange(createWithin(spec, environment), filter, undefined, environment);
    }
    const id = spec.id ?? environment.allocateId();
    const within = createWithin({ ...spec, id }, environment);
    return new MessageDeduplicationExchange(
      within,
      new WindowFilter(options, id, environment.deduplication),
      id,
      environment,
    );
  }

  /** @param id the owner of the keys in the store; undefined: they are not stored */
  private constructor(
    within: Exchange,
    filter: WindowFilter,
    id: number | undefined,
    environment: ExchangeEnvironment,
  ) {
    super(within);
    this.#filter = filter;
    this.#exchangeByName = environment.exchangeByName;
    this.stored = id === undefined ? within.stored : storageOf(id, filter, within.stored, environment);
  }

  get type(): string {
    return this.within.type;
  }

  get delayedCount(): number {
    return this.within.delayedCount;
  }

  /** Messages that were dropped. */
  get duplicateCount(): number {
    return this.#filter.duplicateCount;
  }

  match(input: RoutingInput, targets: Set<Target>): void {
    if (this.#isRouting) return;
    this.#isRouting = true;
    try {
      const { destinations } = routeMessage(this.within, input, this.#exchangeByName);
      const { message } = input;
      const key = message === undefined || message.deadLettered ? undefined : this.#filter.keyOf(message);
      if (key === undefined) {
        for (const destination of destinations) targets.add(destination);
      } else if (destinations.length > 0) {
        targets.add(new DeduplicatedRoute(this.name, key, destinations, this.#filter));
      }
    } finally {
      this.#isRouting = false;
    }
  }
}

/** The keys and what the exchange within keeps, under one id. */
function storageOf(
  id: number,
  filter: WindowFilter,
  within: ExchangeStorage | undefined,
  environment: ExchangeEnvironment,
): ExchangeStorage {
  return {
    id,
    firstSequence: within?.firstSequence ?? 0,
    recoverNote: (key, value) => {
      if (!filter.recoverNote(key, value)) within?.recoverNote(key, value);
    },
    recoverChunk: (chunk, settlement) => within?.recoverChunk(chunk, settlement),
    stop: () => within?.stop(),
    drop: () => {
      filter.drop();
      within?.drop();
      environment.releaseId(id);
    },
  };
}
