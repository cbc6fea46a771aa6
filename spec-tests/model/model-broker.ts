import { type ModelConsumer, noteReadiness } from "./model-consumers.ts";
import { type Entry, takeDue } from "./model-entry.ts";
import {
  deadLetter,
  deadLetterKeys,
  delayed,
  delayOf,
  dueNow,
  isCycle,
  isPersistent,
  type ModelMessage,
  type Reason,
  routingKeys,
} from "./model-message.ts";
import { ModelQueue, type QueueSpec, type QueueWorld } from "./model-queue.ts";
import type { ModelDelivery, ModelSession } from "./model-session.ts";
import { type ModelPolicy, ModelSettings, policyFor } from "./model-settings.ts";
import { type ModelExchange, ModelTopology } from "./model-topology.ts";
import { deduplicates, keyOf, ModelWindow } from "./model-window.ts";

/** What the reference leaves open, and the model therefore asks of the broker at hand. */
export interface Unspecified {
  /** `queues` in the order in which the broker gives a message to them. */
  order(exchange: string, keys: readonly string[], message: ModelMessage, queues: readonly string[]): string[];
  /** `queues` in the order in which a changed policy is applied to them. */
  policyOrder(queues: readonly string[]): string[];
  /** `queues` in the order in which their messages are looked at after a restart. */
  recoveryOrder(queues: readonly string[]): string[];
  /** A message goes to one of the consumers that may get it: to which the broker tells. */
  handOver(queue: ModelQueue, entry: Entry): void;
}

/** Several things fall due in the same millisecond, and nothing says which is first: the run ends here. */
export class Ambiguity extends Error {}

/** Where a message goes. */
export interface Destinations {
  readonly queues: readonly ModelQueue[];
  /** x-delayed-message exchanges that keep it for a while. */
  readonly waitsIn: readonly ModelExchange[];
  /** Of the exchange it was published to, which takes only the first of each key. */
  readonly window?: ModelWindow | undefined;
}

interface Letter {
  readonly message: ModelMessage;
  readonly keys: readonly string[];
}

/** The whole broker as plain lists. */
export class ModelBroker implements QueueWorld {
  now: number;
  readonly queues = new Map<string, ModelQueue>();
  readonly topology = new ModelTopology((name) => this.queues.has(name));
  policies: ModelPolicy[] = [];
  sessions: ModelSession[] = [];
  readonly #unspecified: Unspecified;
  #lastNumber = 0;
  #letters: Letter[] = [];
  #posting = false;

  constructor(now: number, unspecified: Unspecified) {
    this.now = now;
    this.#unspecified = unspecified;
  }

  number(): number {
    return ++this.#lastNumber;
  }

  // --- topology ---

  declareQueue(spec: QueueSpec): void {
    const queue = this.queues.get(spec.name);
    // To declare a quorum queue again is not to use it.
    if (queue !== undefined) queue.usedAt = queue.spec.kind === "classic" ? this.now : queue.usedAt;
    else this.queues.set(spec.name, new ModelQueue(spec, this.#settingsOf(spec), this));
  }

  deleteQueue(name: string): void {
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    this.queues.delete(name);
    queue.isDropped = true;
    this.topology.deleted(name);
    for (const { session, tag } of queue.consumers.all) session.consumers.delete(tag);
  }

  declareExchange(exchange: Omit<ModelExchange, "alternate" | "delayed" | "window">): void {
    if (this.topology.hasExchange(exchange.name)) return;
    const alternate = this.#alternateOf(exchange);
    const window = deduplicates(exchange.arguments) ? new ModelWindow(exchange.arguments) : undefined;
    this.topology.exchanges.set(exchange.name, { ...exchange, alternate, delayed: [], window });
  }

  setPolicies(policies: ModelPolicy[]): void {
    this.policies = policies;
    for (const name of this.#unspecified.policyOrder([...this.queues.keys()])) {
      const queue = this.queues.get(name) as ModelQueue;
      const settings = this.#settingsOf(queue.spec);
      if (!settings.equals(queue.settings)) queue.configure(settings);
    }
    for (const exchange of this.topology.exchanges.values()) exchange.alternate = this.#alternateOf(exchange);
  }

  #settingsOf({ kind, name, arguments: table }: QueueSpec): ModelSettings {
    return new ModelSettings(kind, table, policyFor(this.policies, name, kind));
  }

  #alternateOf({ name, arguments: table }: Pick<ModelExchange, "name" | "arguments">): string | undefined {
    const alternate = table["alternate-exchange"] ?? policyFor(this.policies, name, "exchange")["alternate-exchange"];
    return alternate as string | undefined;
  }

  // --- messages ---

  /** Where a message goes that is published to its exchange. */
  destinations(message: ModelMessage): Destinations {
    const window = this.topology.exchanges.get(message.exchange)?.window;
    return { ...this.#destinationsFrom(message.exchange, message, routingKeys(message)), window };
  }

  /** Publishes to where `destinations` has found that it goes; false when any has refused it. */
  send(message: ModelMessage, { queues, waitsIn, window }: Destinations): boolean {
    const key = keyOf(message);
    if (window !== undefined && key !== undefined && queues.length + waitsIn.length > 0) {
      if (window.has(key, this.now)) return true;
      const isRefused = queues.some((queue) => queue.refuses(1, message.body.length));
      if (!isRefused) window.remember(key, message, this.now, isPersistent(message));
    }
    const taken = queues.map((queue) => queue.push(message));
    for (const exchange of waitsIn) {
      exchange.delayed.push({
        message: delayed(message),
        dueAt: message.publishedAt + delayOf(message),
        key: undefined,
      });
    }
    return taken.every((each) => each);
  }

  handOver(queue: ModelQueue, entry: Entry): void {
    this.#unspecified.handOver(queue, entry);
  }

  /** One letter after the other, in the order of the deaths: a letter that arrives may be another message's death. */
  deadLetter(message: ModelMessage, queue: ModelQueue, reason: Reason): void {
    const letter = this.#letterOf(message, queue, reason);
    if (letter === undefined) return;
    this.#letters.push(letter);
    if (this.#posting) return;
    this.#posting = true;
    for (let next = this.#letters.shift(); next !== undefined; next = this.#letters.shift()) {
      this.send(next.message, this.#letterDestinations(next));
    }
    this.#posting = false;
  }

  tryDeadLetter(message: ModelMessage, queue: ModelQueue, reason: Reason): boolean {
    const letter = this.#letterOf(message, queue, reason);
    if (letter === undefined) return false;
    const destinations = this.#letterDestinations(letter);
    const { queues, waitsIn } = destinations;
    if (queues.length + waitsIn.length === 0) return false;
    if (queues.some((each) => each.refuses(1, message.body.length))) return false;
    this.send(letter.message, destinations);
    return true;
  }

  #letterOf(message: ModelMessage, { name, settings }: ModelQueue, reason: Reason): Letter | undefined {
    const { deadLetterExchange: exchange, deadLetterKey: routingKey } = settings;
    if (exchange === undefined || !this.topology.hasExchange(exchange)) return undefined;
    const letter = deadLetter(message, { queue: name, reason, now: this.now, exchange, routingKey });
    return { message: letter, keys: deadLetterKeys(letter, routingKey) };
  }

  #letterDestinations({ message, keys }: Letter): Destinations {
    const { queues, waitsIn } = this.#destinationsFrom(message.exchange, message, keys);
    return { queues: queues.filter(({ name }) => !isCycle(message, name)), waitsIn };
  }

  #destinationsFrom(exchange: string, message: ModelMessage, keys: readonly string[]): Destinations {
    const { queues, waitsIn } = this.topology.route(exchange, keys, message);
    const ordered = this.#unspecified.order(exchange, keys, message, queues);
    return { queues: ordered.map((name) => this.queues.get(name) as ModelQueue), waitsIn };
  }

  // --- time ---

  /** When something happens next by itself. */
  nextAt(): number {
    const queues = [...this.queues.values()].map((queue) => queue.nextAt());
    const exchanges = [...this.topology.exchanges.values()].flatMap(({ delayed }) => delayed.map(({ dueAt }) => dueAt));
    const timeouts = [...this.#openDeliveries()].map(({ dueAt }) => dueAt);
    return Math.min(...queues, ...exchanges, ...timeouts);
  }

  /** Does what is due. @throws Ambiguity */
  processDue(): void {
    const queues = [...this.queues.values()];
    const exchanges = [...this.topology.exchanges.values()];
    const due = exchanges.filter(({ delayed }) => delayed.some(({ dueAt }) => dueAt <= this.now));
    const dueCount = queues.reduce((sum, queue) => sum + queue.dueCount(), due.length);
    const overdue = this.#openDeliveries().filter(({ dueAt }) => dueAt <= this.now);
    const slow = new Set(overdue.map(({ queue }) => queue));
    if (dueCount + slow.size > 1) throw new Ambiguity();
    this.#takeBack(overdue);
    for (const queue of queues) {
      queue.releaseDelayed();
      queue.releaseHeld();
      queue.expire();
      if (queue.leaseEndsAt <= this.now) this.deleteQueue(queue.name);
    }
    for (const exchange of due) this.#release(exchange);
  }

  #openDeliveries(): ModelDelivery[] {
    const open = this.sessions.flatMap((session) => session.open);
    return open.filter(({ isLate, queue }) => !isLate && !queue.isDropped);
  }

  /** Messages that have not been acknowledged in time are ready again; nobody has failed on them. */
  #takeBack(overdue: readonly ModelDelivery[]): void {
    for (const delivery of [...overdue].sort((a, b) => a.number - b.number)) {
      delivery.isLate = true;
      if (delivery.consumer !== undefined) delivery.consumer.late++;
      delivery.queue.requeue(delivery.entry, false);
    }
    for (const session of this.sessions) {
      for (const { consumer } of session.open.filter((delivery) => overdue.includes(delivery))) {
        const isThere = consumer !== undefined && session.consumers.get(consumer.tag) === consumer;
        session.timedOut.add(isThere ? consumer.tag : "");
      }
    }
  }

  /** What was in an x-delayed-message exchange goes on from there. */
  #release(exchange: ModelExchange): void {
    for (const { message } of takeDue(exchange.delayed, this.now)) {
      const fresh = dueNow(message, this.now);
      this.send(fresh, this.#destinationsFrom(exchange.name, fresh, routingKeys(fresh)));
    }
  }

  // --- restart ---

  /** This broker when it has been started again. */
  restarted(now: number): ModelBroker {
    const broker = this.survivor();
    broker.now = now;
    for (const queue of broker.queues.values()) queue.usedAt = now;
    return broker;
  }

  /** Ends what has expired while it did not run. */
  recover(): void {
    for (const name of this.#unspecified.recoveryOrder([...this.queues.keys()])) this.queues.get(name)?.expire();
  }

  /** A broker that has of this one what survives a restart; it stands still. */
  survivor(): ModelBroker {
    const survivor = new ModelBroker(this.now, this.#unspecified);
    survivor.#lastNumber = this.#lastNumber;
    survivor.policies = this.policies;
    for (const [name, exchange] of this.topology.exchanges) {
      if (!exchange.durable) continue;
      const delayed = exchange.delayed.filter(({ message }) => isPersistent(message));
      survivor.topology.exchanges.set(name, { ...exchange, delayed, window: exchange.window?.restored() });
    }
    for (const [name, queue] of this.queues) {
      if (!queue.spec.durable) continue;
      const restored = new ModelQueue(queue.spec, queue.settings, survivor);
      restored.restore(queue);
      survivor.queues.set(name, restored);
    }
    const isThere = (name: string): boolean => survivor.queues.has(name) || survivor.topology.exchanges.has(name);
    survivor.topology.bindings = this.topology.bindings.filter(
      ({ source, target }) => isThere(source) && isThere(target),
    );
    return survivor;
  }

  /** The bodies of messages that are in queues and survive a restart, as their publishers have sent them. */
  keptBodies(): Set<string> {
    const queues = [...this.queues.values()].filter(({ spec }) => spec.durable);
    const entries = queues.flatMap((queue) => queue.entries.filter(({ survives }) => survives));
    return new Set(entries.filter(({ message }) => !message.deadLettered).map(({ message }) => message.body));
  }

  /** Notes which consumers cannot take a message. */
  noteReadiness(): void {
    for (const queue of this.queues.values()) noteReadiness(queue.consumers.all);
  }

  *consumers(): Generator<ModelConsumer> {
    for (const queue of this.queues.values()) yield* queue.consumers.all;
  }
}
