import type { Clock } from "../../lib/clock.ts";
import type { Message } from "../message.ts";
import { addAttemptHeaders } from "./attempt-headers.ts";
import type { Attempt, Attempts } from "./attempts.ts";
import type { DeathReason } from "./dead-letter/death.ts";
import { type HeldMessage, HeldMessages } from "./held-messages.ts";
import type { LogHead, QueueLog } from "./queue-log.ts";
import type { QueueSettings } from "./queue-settings.ts";

/** How often a dead letter exchange is tried again that took nothing. */
const DEATH_RETRY_MILLISECONDS = 1000;

/** What becomes of a message that has come back. "dead": over the delivery limit. */
export type ReturnVerdict = "ready" | "held" | "dead";

/** What {@link Returns} does to its queue. */
export interface ReturnsOwner {
  readonly settings: QueueSettings;
  /** An unsettled message is held from now on: it waits for its retry, or is dead and waits for somebody to take it. */
  messageHeld(sequence: number, isDead: boolean): void;
  /** A held message is ready again. */
  heldMessageReady(message: HeldMessage): void;
  /** A dead message that no dead letter exchange took is to be offered again. */
  offerDead(message: HeldMessage, reason: DeathReason): void;
}

/**
 * Counts how often messages come back, and keeps them back: for a while before the next attempt, or because they are
 * dead and nobody takes them. RabbitMQ: "Quorum Queues", poison messages, delayed retry, at-least-once dead-lettering.
 */
export class Returns {
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #owner: ReturnsOwner;
  readonly #held: HeldMessages;

  constructor(attempts: Attempts, clock: Clock, owner: ReturnsOwner) {
    this.#attempts = attempts;
    this.#clock = clock;
    this.#owner = owner;
    this.#held = new HeldMessages(clock, (message) => this.#release(message));
  }

  get heldCount(): number {
    return this.#held.count;
  }

  /** Octets of the bodies of what is held. */
  get heldBytes(): number {
    return this.#held.bodyBytes;
  }

  /** A message has come back; `failed` as in {@link ConsumedQueue.requeue}. Those that are "held" are seen to here. */
  returned(sequence: number, persistent: boolean, bodyBytes: number, failed: boolean): ReturnVerdict {
    const { deliveryLimit } = this.#owner.settings;
    const before = this.#attempts.get(sequence);
    const failedCount = before.failedCount + (failed ? 1 : 0);
    if (failed && deliveryLimit !== undefined && failedCount > deliveryLimit) return "dead";
    const acquiredCount = before.acquiredCount + 1;
    const delay = this.#retryDelay(failed, failedCount);
    const dueAt = delay === 0 ? 0 : this.#clock.now() + delay;
    this.#attempts.set(sequence, { acquiredCount, failedCount, dueAt, deathReason: undefined }, persistent);
    if (dueAt === 0) return "ready";
    this.#hold({ sequence, persistent, bodyBytes, dueAt }, false);
    return "held";
  }

  /** A message has died and nobody has taken it: it is offered again, after a restart too. */
  keepDead(sequence: number, persistent: boolean, bodyBytes: number, deathReason: DeathReason): void {
    const attempt: Attempt = this.#attempts.get(sequence);
    if (attempt.deathReason !== deathReason) {
      this.#attempts.set(sequence, { ...attempt, dueAt: 0, deathReason }, persistent);
    }
    const dueAt = this.#clock.now() + DEATH_RETRY_MILLISECONDS;
    this.#hold({ sequence, persistent, bodyBytes, dueAt }, true);
  }

  /**
   * Points `message` at the first ready message of `head`; false when there is none. Those it finds after a restart that
   * have to be kept back are not ready any more.
   */
  peek(head: LogHead, message: Message): boolean {
    while (head.peek(message)) {
      if (!this.#attempts.any) return true;
      const { dueAt, deathReason } = this.#attempts.get(head.peekedSequence);
      if (deathReason === undefined && dueAt <= this.#clock.now()) return true;
      const { persistent, bodyBytes } = message;
      this.#hold({ sequence: head.take(message), persistent, bodyBytes, dueAt }, deathReason !== undefined);
    }
    return false;
  }

  /** Puts the counts into the headers of a message that is about to be delivered; its bytes are copied then. */
  addHeaders(message: Message, sequence: number): void {
    if (this.#attempts.any) addAttemptHeaders(message, this.#attempts.get(sequence));
  }

  /** The message is settled. */
  settled(sequence: number): void {
    if (this.#attempts.any) this.#attempts.forget(sequence);
  }

  recover(sequence: number, value: Uint8Array): void {
    this.#attempts.recover(sequence, value);
  }

  /** Lets go of every held message and returns them: they are purged. */
  takeHeld(): HeldMessage[] {
    return this.#held.takeAll();
  }

  /** Everything that was ready in `log` has gone. */
  purged(log: QueueLog): void {
    this.#attempts.keepOnly((sequence) => log.holds(sequence));
  }

  clear(): void {
    this.#attempts.clear();
    this.#held.takeAll();
  }

  /** Sets no timer any more. */
  stop(): void {
    this.#held.stop();
  }

  #hold(message: HeldMessage, isDead: boolean): void {
    this.#held.hold(message);
    this.#owner.messageHeld(message.sequence, isDead);
  }

  #release(message: HeldMessage): void {
    const { deathReason } = this.#attempts.get(message.sequence);
    if (deathReason === undefined) this.#owner.heldMessageReady(message);
    else this.#owner.offerDead(message, deathReason);
  }

  /** Milliseconds; 0: none. Linear in the number of failures, of which a message that is only returned may have none. */
  #retryDelay(failed: boolean, failedCount: number): number {
    const { delayedRetry, delayedRetryMinMilliseconds, delayedRetryMaxMilliseconds } = this.#owner.settings;
    if (delayedRetry === "disabled") return 0;
    if (delayedRetry !== "all" && (delayedRetry === "failed") !== failed) return 0;
    return Math.min(delayedRetryMinMilliseconds * Math.max(1, failedCount), delayedRetryMaxMilliseconds);
  }
}
