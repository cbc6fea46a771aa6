import type { AlarmResource } from "../core/alarms.ts";
import type { Broker } from "../core/broker.ts";
import type { ConfirmFaults } from "./confirm-faults.ts";
import type { FailingStore } from "./failing-store.ts";

/**
 * What faults act on.
 *
 * @internal
 */
export interface FaultTargets {
  readonly broker: Broker;
  readonly store: FailingStore;
  readonly confirms: ConfirmFaults;
  /** Drops the socket of every client; returns how many there were. */
  readonly dropConnections: () => number;
}

/** Under this cause alarms are raised, apart from those the broker raises itself. */
const CAUSE = "fault";

const RESOURCES: readonly AlarmResource[] = ["disk", "memory"];

/** Things that go wrong with a broker, made to happen for tests of its clients. Each lasts until it is taken back. */
export class Faults {
  readonly #targets: FaultTargets;

  /** @internal */
  constructor(targets: FaultTargets) {
    this.#targets = targets;
  }

  /** Drops every connection without a word, as a broken network does; returns how many there were. */
  dropConnections(): number {
    return this.#targets.dropConnections();
  }

  /** Answers every login with 403 ACCESS_REFUSED. Connections that are open stay. */
  refuseLogins(isRefusing = true): void {
    this.#targets.broker.users.refusesLogins = isRefusing;
  }

  /** Stores no message that is published, and answers with basic.nack in confirm mode. */
  refusePublishes(): void {
    this.#targets.confirms.set({ kind: "refuse" });
  }

  /** Keeps every confirm back until {@link confirmNormally}. The messages themselves are delivered. */
  holdConfirms(): void {
    this.#targets.confirms.set({ kind: "hold" });
  }

  /** Sends every confirm so much later, by the broker's clock. */
  delayConfirms(milliseconds: number): void {
    this.#targets.confirms.set({ kind: "delay", milliseconds });
  }

  /** Ends {@link refusePublishes}, {@link holdConfirms} and {@link delayConfirms}; confirms that were held or delayed go out. */
  confirmNormally(): void {
    this.#targets.confirms.set({ kind: "none" });
    this.#targets.broker.turn.wake();
  }

  /** Raises an alarm: publishers are told connection.blocked and are not read from. */
  raiseAlarm(resource: AlarmResource): void {
    this.#targets.broker.alarms.raise(resource, CAUSE);
  }

  /** Ends {@link raiseAlarm}; an alarm that the broker has raised itself stays. */
  clearAlarm(resource: AlarmResource): void {
    this.#targets.broker.alarms.clear(resource, CAUSE);
  }

  /**
   * From now on nothing can be written, as on a full disk: persistent messages get basic.nack, publishers are blocked,
   * durable declares wait. The broker tries again every 500 ms of its clock.
   */
  failDisk(reason = "no space left on device"): void {
    this.#targets.store.failure = new Error(reason);
  }

  /** Ends {@link failDisk}: what has waited is written at once. */
  repairDisk(): void {
    this.#targets.store.failure = undefined;
    this.#targets.broker.barrier.retry();
  }

  /** Takes back every fault. */
  clear(): void {
    this.refuseLogins(false);
    this.confirmNormally();
    for (const resource of RESOURCES) this.clearAlarm(resource);
    this.repairDisk();
  }
}
