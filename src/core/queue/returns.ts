import type { Clock } from "../../lib/clock.ts";
import { encodeTableBody, type FieldTable } from "../../wire/field-table.ts";
import type { Message } from "../message.ts";
import { addAttemptHeaders, addHeaders } from "./attempt-headers.ts";
import type { Attempt, Attempts } from "./attempts.ts";
import type { DeathReason } from "./dead-letter/death.ts";
import { type HeldMessage, HeldMessages } from "./held-messages.ts";
import type { LogHead, QueueLog } from "./queue-log.ts";
import type { QueueSettings } from "./queue-settings.ts";

/** How often a dead letter exchange is tried again that took nothing. */
const DEATH_RETRY_MILLISECONDS = 1000;

/** Octets of the headers that a message can get by being returned, and so of those added at once; beyond it only the latest are kept. */
export const ADDED_HEADERS_BYTES_MAX = 32 * 1024;

/**
 * The header by which a receiver says, in milliseconds since the Unix epoch, when it wants to be sent the message again;
 * what is not in the future does not count. RabbitMQ 4.3.
 */
export const DELIVERY_TIME = "x-opt-delivery-time";
/** What 48 bits hold. */
const TIME_MAX = 2 ** 48 - 1;

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

  /** True when a consumer has failed on the message. */
  hasFailed(sequence: number): boolean {
    return this.#attempts.get(sequence).failedCount > 0;
  }

  /**
   * A message has come back; `failed` and `headers` as in {@link ConsumedQueue.requeue}. Those that are "held" are seen to
   * here.
   */
  returned(
    sequence: number,
    persistent: boolean,
    bodyBytes: number,
    failed: boolean,
    added?: FieldTable,
  ): ReturnVerdict {
    if (added !== undefined) this.addToHeaders(sequence, persistent, added);
    const { deliveryLimit } = this.#owner.settings;
    const before = this.#attempts.get(sequence);
    const failedCount = before.failedCount + (failed ? 1 : 0);
    if (failed && deliveryLimit !== undefined && failedCount > deliveryLimit) return "dead";
    const acquiredCount = before.acquiredCount + 1;
    const dueAt = this.#dueAt(failed, failedCount, added);
    const { headers } = before;
    this.#attempts.set(sequence, { acquiredCount, failedCount, dueAt, deathReason: undefined, headers }, persistent);
    if (dueAt === 0) return "ready";
    this.#hold({ sequence, persistent, bodyBytes, dueAt }, false);
    return "held";
  }

  /** Whoever gives a message back wants it to say `headers` from now on; they stay when it dies. */
  addToHeaders(sequence: number, persistent: boolean, headers: FieldTable): void {
    const attempt = this.#attempts.get(sequence);
    this.#attempts.set(sequence, { ...attempt, headers: merged(attempt.headers, headers) }, persistent);
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

  /** Gives a message that has died the headers it has got by being returned; its bytes are copied then. */
  addHeadersToDead(message: Message, sequence: number): void {
    if (!this.#attempts.any) return;
    const { headers } = this.#attempts.get(sequence);
    if (headers.size > 0) addHeaders(message, headers);
  }

  /** The message is settled. */
  settled(sequence: number): void {
    if (this.#attempts.any) this.#attempts.forget(sequence);
  }

  recover(sequence: number, value: Uint8Array): void {
    this.#attempts.recover(sequence, value);
  }

  recoverHeaders(sequence: number, part: number, value: Uint8Array): void {
    this.#attempts.recoverHeaders(sequence, part, value);
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

  /** When it may be delivered again, in milliseconds since the Unix epoch; 0: at once. Its receiver may say so. */
  #dueAt(failed: boolean, failedCount: number, added: FieldTable | undefined): number {
    const now = this.#clock.now();
    const asked = added?.get(DELIVERY_TIME);
    if (asked?.type === "long" && asked.value > now) return Math.min(Number(asked.value), TIME_MAX);
    const delay = this.#retryDelay(failed, failedCount);
    return delay === 0 ? 0 : now + delay;
  }

  /** Milliseconds; 0: none. Linear in the number of failures, of which a message that is only returned may have none. */
  #retryDelay(failed: boolean, failedCount: number): number {
    const { delayedRetry, delayedRetryMinMilliseconds, delayedRetryMaxMilliseconds } = this.#owner.settings;
    if (delayedRetry === "disabled") return 0;
    if (delayedRetry !== "all" && (delayedRetry === "failed") !== failed) return 0;
    return Math.min(delayedRetryMinMilliseconds * Math.max(1, failedCount), delayedRetryMaxMilliseconds);
  }
}

function merged(before: FieldTable, added: FieldTable): FieldTable {
  if (before.size === 0) return added;
  const all = new Map([...before, ...added]);
  return encodeTableBody(all).length > ADDED_HEADERS_BYTES_MAX ? added : all;
}
