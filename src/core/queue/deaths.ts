import type { CommitBarrier } from "../commit-barrier.ts";
import type { QueueDeduplication } from "../deduplication/queue-deduplication.ts";
import { Message } from "../message.ts";
import type { DeadLetterRouter } from "./dead-letter/dead-letter-router.ts";
import type { DeathReason } from "./dead-letter/death.ts";
import type { FailureCounts } from "./failure-counts.ts";
import type { LogHead, QueueLog } from "./queue-log.ts";
import type { QueueSettings } from "./queue-settings.ts";
import type { Returns } from "./returns.ts";

/** A queue, as far as messages die in it. */
export interface DeathPlace {
  readonly name: string;
  readonly settings: QueueSettings;
  readonly log: QueueLog;
  readonly returns: Returns | undefined;
  readonly failures: FailureCounts | undefined;
  readonly deduplication: QueueDeduplication | undefined;
  /** Points `message` at the first ready message of `head`, one of the queue's log, that need not be kept back. */
  peek(head: LogHead, message: Message): boolean;
}

/** Ends messages that no consumer has accepted, and sends them where dead letters go. */
export class Deaths {
  readonly #place: DeathPlace;
  readonly #router: DeadLetterRouter;
  readonly #barrier: CommitBarrier;
  readonly #message = new Message();

  constructor(place: DeathPlace, router: DeadLetterRouter, barrier: CommitBarrier) {
    this.#place = place;
    this.#router = router;
    this.#barrier = barrier;
  }

  /** An unsettled message has died; `failed`: its consumer could not deal with it. */
  dieUnsettled(sequence: number, reason: DeathReason, failed = false): void {
    const message = this.#message;
    this.#place.log.read(sequence, message);
    if (failed) message.hasFailed = true;
    this.die(message, sequence, reason);
    message.release();
  }

  /** A message that has been taken has died; what follows for it elsewhere is in the same commit. */
  die(message: Message, sequence: number, reason: DeathReason): void {
    const { name, settings, log, returns, failures, deduplication } = this.#place;
    const { persistent, bodyBytes } = message;
    // Before it goes anywhere: it may come back here at once.
    deduplication?.leaving(sequence);
    if (settings.deadLetterExchange !== undefined) {
      returns?.addHeadersToDead(message, sequence);
      if (reason === "delivery_limit" || returns?.hasFailed(sequence) || failures?.hasFailed(sequence)) {
        message.hasFailed = true;
      }
      if (settings.deadLetterAtLeastOnce) {
        if (!this.#router.tryDeadLetter(message, name, reason, settings)) {
          returns?.keepDead(sequence, persistent, bodyBytes, reason);
          return;
        }
      } else {
        // Its publisher is told that it is safe only when the dead letter is.
        const reportStored = log.takeReceipt(sequence);
        this.#router.deadLetter(message, name, reason, settings);
        if (reportStored !== undefined) this.#barrier.whenDurable(reportStored);
      }
    }
    returns?.settled(sequence);
    failures?.forget(sequence);
    log.settle(sequence, persistent, bodyBytes);
  }

  /** A message has been refused for want of room. */
  refused(message: Message): void {
    const { name, settings } = this.#place;
    if (settings.overflow === "reject-publish-dlx") this.#router.deadLetter(message, name, "maxlen", settings);
  }

  /** Whether the queue would be beyond its limits with `count` more messages, with bodies of `bodyBytes` octets. */
  exceedsLimits(count: number, bodyBytes: number): boolean {
    const { settings, log, returns } = this.#place;
    const { lengthMax, lengthBytesMax } = settings;
    return (
      (lengthMax !== undefined && log.readyCount + (returns?.heldCount ?? 0) + count > lengthMax) ||
      (lengthBytesMax !== undefined && log.readyBytes + (returns?.heldBytes ?? 0) + bodyBytes > lengthBytesMax)
    );
  }

  /**
   * x-overflow drop-head: ends the messages that would be delivered next until the queue is within its limits. True when
   * there were any.
   */
  dropExcess(): boolean {
    const { settings, log } = this.#place;
    const { overflow, lengthMax, lengthBytesMax } = settings;
    if (overflow !== "drop-head" || (lengthMax === undefined && lengthBytesMax === undefined)) return false;
    const message = this.#message;
    let dropped = false;
    while (this.exceedsLimits(0, 0) && this.#place.peek(log, message)) {
      this.die(message, log.take(message), "maxlen");
      dropped = true;
    }
    message.release();
    return dropped;
  }
}
