import type { FieldTable } from "../wire/field-table.ts";
import type { Exchange } from "./exchange/exchange.ts";
import type { RouteChanges } from "./exchange/route-changes.ts";
import type { PolicyObject } from "./policy/policy.ts";
import type { PolicyValues } from "./policy-values.ts";
import type { Queue } from "./queue/queue.ts";
import { type QueueSettings, queueSettings, sameSettings } from "./queue/queue-settings.ts";
import type { QueueType } from "./queue-type.ts";

/** Queues and exchanges that are looked at in one turn after a change: some milliseconds of processor time at most. */
const OBJECTS_PER_TURN = 256;

/** What policies are for. */
export interface PolicedPlace {
  readonly queues: Iterable<Queue>;
  readonly exchanges: Iterable<Exchange>;
  findQueue(name: string): Queue | undefined;
  findExchange(name: string): Exchange | undefined;
  readonly routeChanges: RouteChanges;
}

/** What it takes to find and apply them. */
export interface PolicyEnvironment {
  /** What the policies for a queue or exchange come to. */
  readonly policyFor: (object: PolicyObject) => PolicyValues;
  /** Runs a callback when the input at hand has been read. */
  readonly defer: (callback: () => void) => void;
}

/**
 * Sees to it that the queues and exchanges of a virtual host act by its policies: what is new from the start, what is
 * there after every change. However many there are, a change takes its share of a turn at a time; further changes
 * meanwhile wait until all have been looked at, so that none is left out however fast they come.
 */
export class AppliedPolicies {
  readonly #place: PolicedPlace;
  readonly #environment: PolicyEnvironment;
  readonly #goOn = (): void => this.#lookAtSome();
  /** Applies the policies to one object at each step; undefined: to all they have been. */
  #walk: Iterator<void> | undefined;
  /** True when the policies have changed during the walk. */
  #changedAgain = false;
  #stopped = false;

  constructor(place: PolicedPlace, environment: PolicyEnvironment) {
    this.#place = place;
    this.#environment = environment;
  }

  /** How a queue is to act. */
  queueSettings(name: string, queueType: QueueType, queueArguments: FieldTable): QueueSettings {
    return queueSettings(queueType, queueArguments, this.#environment.policyFor({ kind: "queue", name, queueType }));
  }

  /** Has an exchange act by the policies as they are; true when routes may change by that. */
  configureExchange(exchange: Exchange): boolean {
    return exchange.configure(this.#environment.policyFor({ kind: "exchange", name: exchange.name }));
  }

  /** The policies have changed. The first of what is there act by them at once. */
  changed(): void {
    if (this.#walk !== undefined) {
      this.#changedAgain = true;
      return;
    }
    this.#walk = this.#applyToEach();
    this.#lookAtSome();
  }

  /** Nothing is done any more. */
  stop(): void {
    this.#stopped = true;
  }

  #lookAtSome(): void {
    if (this.#stopped) return;
    for (let count = 0; count < OBJECTS_PER_TURN; count++) {
      if (this.#walk?.next().done !== true) continue;
      this.#walk = this.#changedAgain ? this.#applyToEach() : undefined;
      this.#changedAgain = false;
      if (this.#walk === undefined) return;
    }
    this.#environment.defer(this.#goOn);
  }

  /** Goes by the policies as they are at each step. What comes meanwhile is passed over: it has been made by them. */
  *#applyToEach(): Generator<void, void, undefined> {
    const place = this.#place;
    for (const queue of [...place.queues]) {
      if (place.findQueue(queue.name) !== queue) continue;
      const settings = this.queueSettings(queue.name, queue.type, queue.arguments);
      if (!sameSettings(queue.settings, settings)) queue.configure(settings);
      yield;
    }
    for (const exchange of [...place.exchanges]) {
      if (place.findExchange(exchange.name) !== exchange) continue;
      if (this.configureExchange(exchange)) place.routeChanges.exchangeChanged(exchange.name);
      yield;
    }
  }
}
