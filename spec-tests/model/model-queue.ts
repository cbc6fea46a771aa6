import { ModelConsumers } from "./model-consumers.ts";
import { bytesOf, type Delayed, type Entry, hold, inOrder, takeDue } from "./model-entry.ts";
import {
  delayed,
  delayOf,
  dueNow,
  hasDiedIn,
  isPersistent,
  type MessageView,
  type ModelMessage,
  type Reason,
  viewOf,
} from "./model-message.ts";
import type { ModelSettings, QueueKind } from "./model-settings.ts";
import { deduplicates, hasWindow, keyOf, ModelWindow } from "./model-window.ts";
import type { PlainArguments } from "./operation.ts";

const NEVER = Number.POSITIVE_INFINITY;
const DEATH_RETRY_MILLISECONDS = 1000;

export interface QueueSpec {
  readonly name: string;
  readonly kind: QueueKind;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: PlainArguments;
}

/** What a queue needs of the broker around it. */
export interface QueueWorld {
  readonly now: number;
  number(): number;
  /** A message goes straight to a consumer of the queue. */
  handOver(queue: ModelQueue, entry: Entry): void;
  deadLetter(message: ModelMessage, queue: ModelQueue, reason: Reason): void;
  /** True if some queue has taken it, and none refused. */
  tryDeadLetter(message: ModelMessage, queue: ModelQueue, reason: Reason): boolean;
}

/** A queue as a list. Its rules are those of docs/queues.md. */
export class ModelQueue {
  readonly spec: QueueSpec;
  readonly #world: QueueWorld;
  readonly consumers: ModelConsumers;
  settings: ModelSettings;
  /** In order of arrival. */
  entries: Entry[] = [];
  delayed: Delayed[] = [];
  usedAt: number;
  #window: ModelWindow | undefined;
  /** It has been deleted: what is done to its messages has no effect any more. */
  isDropped = false;
  /** Counts of what came back are kept. */
  counts = false;

  constructor(spec: QueueSpec, settings: ModelSettings, world: QueueWorld) {
    this.spec = spec;
    this.settings = settings;
    this.#world = world;
    this.usedAt = world.now;
    this.consumers = new ModelConsumers(this.#isQuorum, settings.singleActiveConsumer);
    this.#window = hasWindow(spec.arguments) ? new ModelWindow(spec.arguments) : undefined;
    this.configure(settings);
  }

  get name(): string {
    return this.spec.name;
  }

  count(state: Entry["state"]): number {
    return this.entries.filter((entry) => entry.state === state).length;
  }

  get readyBytes(): number {
    return bytesOf(this.#in("ready"));
  }

  /** When x-expires ends it. */
  get leaseEndsAt(): number {
    return this.consumers.all.length > 0 ? NEVER : this.usedAt + this.settings.expires;
  }

  configure(settings: ModelSettings): void {
    if (settings.expires !== this.settings.expires) this.usedAt = this.#world.now;
    this.settings = settings;
    this.counts ||= this.#isQuorum || settings.retryType !== "disabled";
    this.#dropDead();
  }

  // --- coming ---

  /** False when it is refused. */
  push(message: ModelMessage): boolean {
    if (this.#isDuplicate(message)) return true;
    const delay = this.settings.delays ? delayOf(message) : 0;
    if (delay === 0) return this.#accept(message);
    this.delayed.push({ message: delayed(message), dueAt: message.publishedAt + delay, key: this.#heldKeyOf(message) });
    return true;
  }

  #isDuplicate(message: ModelMessage): boolean {
    const key = keyOf(message);
    if (!deduplicates(this.spec.arguments) || key === undefined) return false;
    if (this.#window === undefined) return [...this.entries, ...this.delayed].some((each) => each.key === key);
    // One that has died here and is back is no copy of itself.
    if (hasDiedIn(message, this.name)) return false;
    if (this.#window.has(key, this.#world.now)) return true;
    const isTaken = !this.refuses(1, message.body.length);
    if (isTaken) this.#window.remember(key, message, this.#world.now, this.#survives(message));
    return false;
  }

  #heldKeyOf(message: ModelMessage): string | undefined {
    return deduplicates(this.spec.arguments) && this.#window === undefined ? keyOf(message) : undefined;
  }

  #survives(message: ModelMessage): boolean {
    return this.spec.durable && (this.#isQuorum || isPersistent(message));
  }

  refuses(count: number, bytes: number): boolean {
    return this.settings.overflow !== "drop-head" && this.#exceeds(count, bytes);
  }

  #accept(message: ModelMessage): boolean {
    if (this.refuses(1, message.body.length)) {
      if (this.settings.overflow === "reject-publish-dlx") this.#world.deadLetter(message, this, "maxlen");
      return false;
    }
    const entry = this.#entryOf(message);
    if (this.count("ready") === 0 && this.consumers.candidates().length > 0) {
      this.#world.handOver(this, entry);
    } else {
      this.entries.push(entry);
      this.#dropDead();
    }
    return true;
  }

  #entryOf(message: ModelMessage): Entry {
    const { ttl, priorityDefault, priorityMax } = this.settings;
    return {
      message,
      number: this.#world.number(),
      priority: Math.min(message.priority ?? priorityDefault, priorityMax),
      expiresAt: Math.min(message.expiresAt, message.publishedAt + ttl),
      survives: this.#survives(message),
      state: "ready",
      redelivered: false,
      turn: NEVER,
      acquired: 0,
      failed: 0,
      hasFailed: false,
      dueAt: 0,
      heldUntil: 0,
      deathReason: undefined,
      key: this.#heldKeyOf(message),
    };
  }

  // --- going ---

  /** The message that is delivered next. */
  next(): Entry | undefined {
    return this.#headOf(() => true);
  }

  /** A message is handed to somebody, who sees it as returned here; with `noAck` it is gone. */
  take(entry: Entry, noAck: boolean): { view: MessageView; redelivered: boolean } {
    const seen = {
      view: viewOf(entry.message, entry.acquired, entry.failed),
      redelivered: entry.redelivered || entry.message.hasFailed,
    };
    if (!this.entries.includes(entry)) this.entries.push(entry);
    if (noAck) this.remove(entry);
    entry.state = "unacked";
    entry.redelivered = true;
    entry.turn = NEVER;
    return seen;
  }

  remove(entry: Entry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  reject(entry: Entry): void {
    if (this.settings.deadLetterExchange === undefined) this.remove(entry);
    else this.#die(entry, "rejected");
  }

  requeue(entry: Entry, hasFailed: boolean): void {
    const failed = entry.failed + (hasFailed ? 1 : 0);
    if (this.counts && failed > this.settings.deliveryLimit && hasFailed) {
      this.#die(entry, "delivery_limit");
      return;
    }
    if (hasFailed && !this.counts) entry.hasFailed = true;
    if (this.counts) {
      entry.acquired++;
      entry.failed = failed;
      const delay = this.#retryDelay(hasFailed, failed);
      entry.dueAt = delay === 0 ? 0 : this.#world.now + delay;
    }
    if (entry.dueAt > this.#world.now) hold(entry, entry.dueAt);
    else this.#comeBack(entry);
    this.#dropDead();
  }

  purge(): number {
    const before = this.entries.length;
    this.entries = this.#in("unacked");
    // As by the plugin, what is unacknowledged is no hindrance any more either.
    for (const entry of this.entries) entry.key = undefined;
    return before - this.entries.length;
  }

  // --- time ---

  /** What happens next by itself, and when. */
  nextAt(): number {
    const heads = this.#heads().map(({ expiresAt }) => expiresAt);
    const held = this.#in("held").map(({ heldUntil }) => heldUntil);
    return Math.min(...heads, ...held, ...this.delayed.map(({ dueAt }) => dueAt), this.leaseEndsAt);
  }

  /** How many different things are due now: one can be told apart from the others only by its time. */
  dueCount(): number {
    const { now } = this.#world;
    const isDue = [
      this.#heads().some(({ expiresAt }) => expiresAt <= now),
      this.#in("held").some(({ heldUntil }) => heldUntil <= now),
      this.delayed.some(({ dueAt }) => dueAt <= now),
      this.leaseEndsAt <= now,
    ];
    return isDue.filter((due) => due).length;
  }

  /** Does what is due. */
  expire(): void {
    for (const priority of this.#lanes()) {
      for (;;) {
        const head = this.#headOf((entry) => priority === undefined || entry.priority === priority);
        if (head === undefined || head.expiresAt > this.#world.now) break;
        this.#die(head, "expired");
      }
    }
  }

  releaseHeld(): void {
    const due = this.#in("held").filter(({ heldUntil }) => heldUntil <= this.#world.now);
    due.sort((a, b) => a.heldUntil - b.heldUntil || a.priority - b.priority || a.number - b.number);
    for (const entry of due) entry.state = "leaving";
    for (const entry of due) {
      if (entry.deathReason !== undefined) {
        this.#die(entry, entry.deathReason);
      } else {
        this.#comeBack(entry);
        this.expire();
      }
    }
  }

  releaseDelayed(): void {
    for (const { message } of takeDue(this.delayed, this.#world.now)) this.#accept(dueNow(message, this.#world.now));
  }

  // --- a restart ---

  /** Takes over what another has that survives. */
  restore(before: ModelQueue): void {
    const { entries, delayed } = before;
    this.#window = before.#window?.restored();
    this.entries = entries.filter(({ survives }) => survives).map((entry) => ({ ...entry, hasFailed: false }));
    this.counts ||= this.entries.some(({ acquired, deathReason }) => acquired > 0 || deathReason !== undefined);
    for (const entry of this.entries) {
      entry.state = "ready";
      entry.turn = NEVER;
    }
    this.delayed = delayed.filter(({ message }) => this.#survives(message)).map((each) => ({ ...each }));
  }

  // --- details ---

  get #isQuorum(): boolean {
    return this.spec.kind === "quorum";
  }

  #in(state: Entry["state"]): Entry[] {
    return this.entries.filter((entry) => entry.state === state);
  }

  /** Messages of a quorum queue expire at the head of each priority, others at that of the queue. */
  #lanes(): (number | undefined)[] {
    if (!this.#isQuorum) return [undefined];
    return [...new Set(this.entries.map(({ priority }) => priority))].sort((a, b) => b - a);
  }

  #heads(): Entry[] {
    const heads = this.#lanes().map((lane) => this.#first((entry) => lane === undefined || entry.priority === lane));
    return heads.filter((head) => head !== undefined);
  }

  #first(isMeant: (entry: Entry) => boolean): Entry | undefined {
    return inOrder(this.#in("ready").filter(isMeant))[0];
  }

  /** The first one, when those have been set aside that have to be kept back: a restart has made them ready. */
  #headOf(isMeant: (entry: Entry) => boolean): Entry | undefined {
    for (;;) {
      const first = this.#first(isMeant);
      if (first === undefined || (first.deathReason === undefined && first.dueAt <= this.#world.now)) return first;
      hold(first, Math.max(first.dueAt, this.#world.now));
    }
  }

  #comeBack(entry: Entry): void {
    entry.state = "ready";
    if (this.#isQuorum) entry.turn = this.#world.number();
  }

  #retryDelay(hasFailed: boolean, failed: number): number {
    const { retryType, retryMin, retryMax } = this.settings;
    const isMeant = retryType === "all" || retryType === (hasFailed ? "failed" : "returned");
    return isMeant ? Math.min(retryMin * Math.max(1, failed), retryMax) : 0;
  }

  #exceeds(count: number, bytes: number): boolean {
    const kept = [...this.#in("ready"), ...this.#in("held")];
    return kept.length + count > this.settings.lengthMax || bytesOf(kept) + bytes > this.settings.bytesMax;
  }

  #dropDead(): void {
    this.expire();
    if (this.settings.overflow !== "drop-head") return;
    while (this.#exceeds(0, 0)) {
      const victim = this.next();
      if (victim === undefined) break;
      this.#die(victim, "maxlen");
    }
    this.expire();
  }

  #die(entry: Entry, reason: Reason): void {
    entry.state = "leaving";
    entry.key = undefined;
    const { deadLetterExchange, atLeastOnce } = this.settings;
    const hasFailed = reason === "delivery_limit" || entry.failed > 0 || entry.hasFailed || entry.message.hasFailed;
    const message = { ...entry.message, hasFailed };
    if (deadLetterExchange !== undefined && !atLeastOnce) {
      this.#world.deadLetter(message, this, reason);
    } else if (deadLetterExchange !== undefined && !this.#world.tryDeadLetter(message, this, reason)) {
      entry.deathReason = reason;
      entry.dueAt = 0;
      hold(entry, this.#world.now + DEATH_RETRY_MILLISECONDS);
      return;
    }
    this.remove(entry);
  }
}
