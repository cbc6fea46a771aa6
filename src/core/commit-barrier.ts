import type { Clock, Timer } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";
import { CommitGrace } from "./commit-grace.ts";
import type { Store } from "./ports.ts";

/** How long after a failed commit the next attempt is made. */
const RETRY_MILLISECONDS = 500;
/** How long changes that nobody waits for may go without a commit of their own. */
const PATIENCE_MILLISECONDS = 10;
/** With more participants none is asked for its need: that would cost more than it saves. */
const ASKED_MAX = 64;

/**
 * Whether anybody may wait for what a participant is to write. "perhaps": all of that are messages which consumers hold,
 * and need not be written any more when they are settled.
 */
export type CommitNeed = "none" | "perhaps" | "certain";

/** Something with changes for the store. It stays enlisted until the commit that holds its changes has ended. */
export interface CommitParticipant {
  /** Buffers the changes in the store. */
  prepare(store: Store): void;
  /** Asked of one that was enlisted patiently; "none" where it is not there. */
  need?(): CommitNeed;
  /** What `prepare` buffered is durable. */
  committed(): void;
  /** What `prepare` buffered could not be written. The store keeps it; `committed` follows when a later commit succeeds. */
  failed(): void;
}

/** What the barrier tells of the store's health. */
export interface CommitObserver {
  /** The store could not write; `error` says why. */
  storeFailed(error: Error): void;
  /** The store writes again. */
  storeRecovered(): void;
}

/**
 * Groups all changes of a turn into one store commit. At most one commit is in flight while the next gathers.
 * Everything that promises durability (confirms, declare-ok, tx.commit-ok) waits here. What nobody waits for, such as
 * that messages are settled, is left to the next commit that somebody does wait for, if one comes soon.
 */
export class CommitBarrier {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #wake: () => void;
  #enlisted: CommitParticipant[] = [];
  /** Whose changes the store holds until a commit succeeds. */
  #inFlight = new Set<CommitParticipant>();
  #waiting = new Set<() => void>();
  #waitingInFlight = new Set<() => void>();
  #definitionsBuffered = false;
  #definitionsInFlight = false;
  #busy = false;
  /** A commit is to begin if {@link CommitParticipant.need} says so, or in any case. */
  #wanted: "no" | "if needed" | "certainly" = "no";
  readonly #grace = new CommitGrace();
  /** Runs while something is enlisted that no commit is wanted for. */
  #patience: Timer | undefined;
  #retry: Timer | undefined;
  #failing = false;
  #closed = false;
  #idleWaiters: (() => void)[] = [];
  observer: CommitObserver | undefined;
  /** Octets handed to queues that are not yet written. */
  pendingBytes = 0;

  /** @param wake asks for the end of the turn to be run soon */
  constructor(store: Store, clock: Clock, logger: Logger, wake: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#wake = wake;
  }

  /** True from a failed commit until one succeeds. */
  get failing(): boolean {
    return this.#failing;
  }

  /** True while a commit is in flight. */
  get isInFlight(): boolean {
    return this.#busy;
  }

  /** Adds a participant that is not enlisted already (the participant keeps track). A commit is to begin. */
  enlist(participant: CommitParticipant): void {
    this.#enlisted.push(participant);
    this.#want();
  }

  /** The same for one whose changes nobody waits for, until {@link hasten} is called: any commit in a while will do. */
  enlistPatiently(participant: CommitParticipant): void {
    this.#enlisted.push(participant);
    if (this.#wanted === "no") this.#bePatient();
  }

  /** A commit is to begin if the participants have anything to write that somebody may wait for. */
  hasten(): void {
    if (this.#wanted !== "no") return;
    this.#wanted = "if needed";
    this.#wake();
  }

  /** A definition has been put into the store or deleted from it. */
  definitionChanged(): void {
    this.#definitionsBuffered = true;
    this.#want();
  }

  /** Calls back once all definitions changed so far are durable: at once when none is outstanding. */
  whenDefinitionsDurable(callback: () => void): void {
    if (this.#definitionsBuffered) this.#waiting.add(callback);
    else if (this.#definitionsInFlight) this.#waitingInFlight.add(callback);
    else callback();
  }

  /** Calls back once everything enlisted so far is durable: at once when nothing is outstanding. */
  whenDurable(callback: () => void): void {
    if (this.#enlisted.length > 0 || this.#definitionsBuffered) {
      this.#waiting.add(callback);
      this.#want();
    } else if (this.#busy || this.#failing) {
      this.#waitingInFlight.add(callback);
    } else {
      callback();
    }
  }

  /** Who waits with `callback` is gone: a store may fail for hours, and clients come and go meanwhile. */
  forget(callback: () => void): void {
    this.#waiting.delete(callback);
    this.#waitingInFlight.delete(callback);
  }

  /** Starts the commit of what has gathered, if one is wanted and none in flight. Called at the end of every turn. */
  endOfTurn(): void {
    if (this.#busy || this.#closed || this.#retry !== undefined || !this.#isDue()) return;
    this.#busy = true;
    this.#grace.end();
    this.#patience?.cancel();
    this.#patience = undefined;
    const enlisted = this.#enlisted;
    this.#enlisted = [];
    for (const participant of enlisted) {
      participant.prepare(this.#store);
      this.#inFlight.add(participant);
    }
    // Only now: what preparing itself changes belongs to this commit.
    this.#wanted = "no";
    for (const callback of this.#waiting) this.#waitingInFlight.add(callback);
    this.#waiting.clear();
    this.#definitionsInFlight ||= this.#definitionsBuffered;
    this.#definitionsBuffered = false;
    this.#store.commit((error) => this.#ended(error));
  }

  /** Resolves when nothing is left to be written, or nothing can be. Never rejects. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#wake();
    });
  }

  /** Tries a failed commit again now, not when the time for it has come. */
  retry(): void {
    if (this.#retry === undefined) return;
    this.#retry.cancel();
    this.#retry = undefined;
    this.#wake();
  }

  /** Begins no further commit. */
  close(): void {
    this.#closed = true;
    this.#patience?.cancel();
    this.#retry?.cancel();
  }

  /** Resolves those who wait for idleness, if it is reached. Called at the end of every turn. */
  settleIdle(): void {
    if (this.#idleWaiters.length === 0 || this.#busy) return;
    if (!this.#failing && (this.#enlisted.length > 0 || this.#definitionsBuffered)) {
      this.#want();
      return;
    }
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #want(): void {
    this.#wanted = "certainly";
    this.#wake();
  }

  #bePatient(): void {
    this.#patience ??= this.#clock.after(PATIENCE_MILLISECONDS, () => this.#want());
  }

  /** Whether a commit is to begin now. */
  #isDue(): boolean {
    if (this.#wanted !== "if needed" || this.#failing) return this.#wanted === "certainly" || this.#failing;
    const need = this.#need();
    if (need === "perhaps" && this.#grace.takeTurn()) {
      this.#wake();
      return false;
    }
    if (need !== "none") return true;
    this.#grace.paidOff();
    this.#wanted = "no";
    if (this.#enlisted.length > 0) this.#bePatient();
    return false;
  }

  #need(): CommitNeed {
    if (this.#enlisted.length > ASKED_MAX) return "certain";
    let need: CommitNeed = "none";
    for (const participant of this.#enlisted) {
      const its = participant.need?.() ?? "none";
      if (its === "certain") return its;
      if (its === "perhaps") need = its;
    }
    return need;
  }

  #ended(error: Error | undefined): void {
    this.#busy = false;
    const participants = this.#inFlight;
    if (error !== undefined) {
      for (const participant of participants) participant.failed();
      this.#fail(error);
      this.#wake();
      return;
    }
    this.#inFlight = new Set();
    this.#definitionsInFlight = false;
    if (this.#failing) {
      this.#failing = false;
      this.#logger.info("store writes again");
      this.observer?.storeRecovered();
    }
    for (const participant of participants) participant.committed();
    const waiting = this.#waitingInFlight;
    this.#waitingInFlight = new Set();
    for (const callback of waiting) callback();
    this.#wake();
  }

  #fail(error: Error): void {
    this.#retry = this.#clock.after(RETRY_MILLISECONDS, () => {
      this.#retry = undefined;
      this.#wake();
    });
    if (this.#failing) return;
    this.#failing = true;
    this.#logger.error("store cannot write; publishers are blocked and unconfirmed messages refused until it can", {
      error: error.message,
    });
    this.observer?.storeFailed(error);
  }
}
