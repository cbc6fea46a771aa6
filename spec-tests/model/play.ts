import assert from "node:assert/strict";
import { compareState } from "./compare.ts";
import { LiveBroker, type OpenStore } from "./live-broker.ts";
import type { LiveEvent } from "./live-session.ts";
import { ModelBroker, type Unspecified } from "./model-broker.ts";
import * as commands from "./model-commands.ts";
import type { Entry } from "./model-entry.ts";
import type { ModelMessage } from "./model-message.ts";
import type { ModelQueue } from "./model-queue.ts";
import { ModelSession } from "./model-session.ts";
import type { QueueKind } from "./model-settings.ts";
import type { Operation, SessionMode, Step } from "./operation.ts";
import { performInSession, type SessionOperation } from "./play-session.ts";

/** The sessions there are at first. */
export const SESSION_MODES: readonly SessionMode[] = ["confirms", "transactions", "plain"];

/** How long after a failed commit the next is tried. */
const COMMIT_RETRY_MILLISECONDS = 500;
const ALL_PERMISSIONS = { vhost: "/", user: "guest", configure: ".*", write: ".*", read: ".*" };

const START = Date.UTC(2026, 0, 1);

type Named<Name extends Operation["do"]> = Extract<Operation, { do: Name }>;
type Delivered = Extract<LiveEvent, { what: "delivered" }>;

/** Plays operations to a broker and to the model, and compares what the two do. */
export class Play implements Unspecified {
  readonly #openStore: OpenStore;
  #live: LiveBroker;
  #model: ModelBroker;
  #lastBody = 0;
  /** What a crash would leave, while commits are held back or fail. */
  #durable: ModelBroker | undefined;
  /** How many commits there will have been when they fail no more; undefined: they do not fail. */
  #failingUntil: number | undefined;

  constructor(openStore: OpenStore) {
    this.#openStore = openStore;
    this.#live = new LiveBroker(openStore, START);
    this.#model = new ModelBroker(START, this);
    this.#openSessions();
  }

  /** @throws Ambiguity when the model cannot tell what has to happen */
  async step({ operation, endsTurn }: Step): Promise<void> {
    await this.#perform(operation);
    this.#model.noteReadiness();
    if (endsTurn) await this.#settle();
  }

  /** Deletes everything, after which nothing must be left in memory. */
  async clear(): Promise<void> {
    await this.#releaseCommits();
    for (const name of this.#model.queues.keys()) this.#deleteQueue(name);
    for (const name of this.#model.topology.exchanges.keys()) this.#live.deleteExchange(name);
    await this.#live.settle();
    await this.#live.settle();
    assert.equal(this.#live.broker.queueMemoryBytes, 0, "octets of messages in memory without a queue");
  }

  async end(): Promise<void> {
    await this.#live.crash();
  }

  // --- what the model asks for ---

  order(exchange: string, keys: readonly string[], message: ModelMessage, queues: readonly string[]): string[] {
    return this.#live.order(exchange, keys, message, queues);
  }

  policyOrder(queues: readonly string[]): string[] {
    const order = this.#live.queueNames();
    return [...queues].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  }

  recoveryOrder(queues: readonly string[]): string[] {
    const ids = this.#live.queueIds();
    return [...queues].sort((a, b) => (ids.get(a) ?? 0) - (ids.get(b) ?? 0));
  }

  handOver(queue: ModelQueue, entry: Entry): void {
    const { events } = this.#live;
    const index = events.findIndex((event) => event.what === "delivered" && event.queueName === queue.name);
    assert(index >= 0, `${queue.name} hands "${entry.message.body}" to a consumer that is ready`);
    this.#delivered(events.splice(index, 1)[0] as Delivered, queue, entry);
  }

  #delivered(
    { session: number, tag, deliveryTag, redelivered, view }: Delivered,
    queue: ModelQueue,
    entry: Entry,
  ): void {
    const session = this.#model.sessions[number] as ModelSession;
    const consumer = session.consumers.get(tag);
    assert(consumer !== undefined && consumer.queueName === queue.name, `${tag} is a consumer of ${queue.name}`);
    queue.consumers.served(consumer);
    assert.deepEqual({ view, redelivered }, queue.take(entry, consumer.noAck), `delivered from ${queue.name}`);
    if (consumer.noAck) session.lastDeliveryTag++;
    else session.deliver(this.#model, queue, entry, consumer);
    assert.equal(deliveryTag, session.lastDeliveryTag, "delivery tags count up");
    this.#model.noteReadiness();
  }

  // --- rest ---

  /** Lets the broker come to rest, and compares everything. */
  async #settle(): Promise<void> {
    await this.#live.settle();
    this.#model.processDue();
    const { events } = this.#live;
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      assert(event.what === "delivered", `nothing else happens by itself: ${JSON.stringify(event)}`);
      const queue = this.#model.queues.get(event.queueName);
      queue?.expire();
      const next = queue?.next();
      assert(queue !== undefined && next !== undefined, `something is ready in ${event.queueName}`);
      this.#delivered(event, queue, next);
      queue.expire();
    }
    this.#noteRecovery();
    if (this.#endLateSessions()) return this.#settle();
    compareState(this.#live, this.#model, this.#durable === undefined);
  }

  // --- operations ---

  async #perform(operation: Operation): Promise<void> {
    switch (operation.do) {
      case "pass":
        return this.#pass(operation.milliseconds);
      case "restart":
        return this.#restart(operation);
      case "holdCommits":
        return this.#holdCommits();
      case "releaseCommits":
        return this.#releaseCommits();
      case "failCommits":
        return this.#failCommits(operation.count);
      case "reopen":
        this.#closeSession(operation.session);
        return this.#openSession(operation.session, operation.mode);
      case "declareQueue":
        return this.#declareQueue(operation);
      case "declareExchange":
        return this.#declareExchange(operation);
      case "bind":
      case "unbind":
        return this.#bind(operation);
      case "deleteQueue":
        return this.#deleteQueue(operation.queue);
      case "deleteExchange":
        this.#live.deleteExchange(operation.exchange);
        return this.#model.topology.deleteExchange(operation.exchange);
      case "purge":
        return this.#purge(operation.queue);
      case "setPolicy":
        this.#live.setPolicy(operation);
        return this.#model.setPolicies([...this.#policiesWithout(operation), operation]);
      case "clearPolicy":
        this.#live.clearPolicy(operation);
        return this.#model.setPolicies(this.#policiesWithout(operation));
      default:
        return this.#inSession(operation);
    }
  }

  #policiesWithout({ name, operator }: { name: string; operator: boolean }): ModelBroker["policies"] {
    return this.#model.policies.filter((policy) => policy.name !== name || policy.operator !== operator);
  }

  #declareQueue(operation: Named<"declareQueue">): void {
    const { queue: name, durable, autoDelete, arguments: table } = operation;
    const kind = (table["x-queue-type"] ?? "classic") as QueueKind;
    // One that is there is declared again as it is.
    this.#live.declareQueue({ ...operation, ...this.#model.queues.get(name)?.spec });
    this.#model.declareQueue({ name, kind, durable, autoDelete, arguments: table });
  }

  #declareExchange(operation: Named<"declareExchange">): void {
    const { exchange: name, type, durable, autoDelete, arguments: table } = operation;
    if (this.#model.topology.hasExchange(name)) return;
    this.#live.declareExchange(operation);
    const delays = type === "x-delayed-message";
    const routesAs = delays ? (table["x-delayed-type"] as string) : type;
    this.#model.declareExchange({ name, type: routesAs, delays, durable, autoDelete, arguments: table });
  }

  #bind({ do: action, source, target, routingKey, arguments: table }: Extract<Operation, { source: string }>): void {
    const { topology, queues } = this.#model;
    const toExchange = topology.exchanges.has(target);
    if (!topology.exchanges.has(source) || (!toExchange && !queues.has(target))) return;
    // A message that comes on several ways to such an exchange is another matter.
    if (topology.exchanges.get(target)?.window !== undefined) return;
    const binding = { source, target, routingKey, arguments: table };
    this.#live.bind(action, binding, toExchange);
    topology[action](binding);
  }

  #deleteQueue(name: string): void {
    const queue = this.#model.queues.get(name);
    assert.equal(this.#live.deleteQueue(name), queue?.count("ready") ?? 0, "ready messages of the deleted queue");
    this.#model.deleteQueue(name);
    this.#expectCancelled(queue);
  }

  /** The consumers of a queue that has gone must have been told. */
  #expectCancelled(queue: ModelQueue | undefined): void {
    const told = this.#live.events.splice(0);
    for (const { session, tag } of queue?.consumers.all ?? []) {
      const index = told.findIndex(
        (event) => event.what === "cancelled" && event.session === session.number && event.tag === tag,
      );
      assert(index >= 0, `session ${session.number} is told that ${tag} is cancelled`);
      told.splice(index, 1);
    }
    assert.deepEqual(told, []);
  }

  #purge(name: string): void {
    const queue = this.#model.queues.get(name);
    if (queue !== undefined) assert.equal(this.#live.purge(name), queue.purge(), "purged");
  }

  // --- sessions ---

  #openSessions(): void {
    for (const [number, mode] of SESSION_MODES.entries()) this.#openSession(number, mode);
  }

  #openSession(number: number, mode: SessionMode): void {
    this.#live.openSession(number, mode);
    const session = new ModelSession(number, mode);
    if (this.#failingUntil !== undefined) session.doubtfulFrom = 0;
    this.#model.sessions[number] = session;
  }

  #closeSession(number: number): void {
    this.#live.sessions[number]?.session.close();
    commands.close(this.#model, this.#model.sessions[number] as ModelSession);
  }

  /** Who has left a message too long that no consumer can be told of loses the session. True when anybody has. */
  #endLateSessions(): boolean {
    const late: ModelSession[] = [];
    for (const session of this.#model.sessions) {
      const live = this.#live.sessions[session.number];
      assert.deepEqual(
        [...(live?.timedOut ?? [])].sort(),
        [...session.timedOut].sort(),
        "consumers that took too long",
      );
      if (session.timedOut.has("")) late.push(session);
      session.timedOut.clear();
      live?.timedOut.clear();
    }
    for (const { number, mode } of late) {
      this.#closeSession(number);
      this.#openSession(number, mode);
    }
    return late.length > 0;
  }

  /** What is refused must be refused by both, and ends the session. */
  #inSession(operation: SessionOperation): void {
    const number = operation.session;
    const session = this.#model.sessions[number] as ModelSession;
    const live = this.#live.sessions[number];
    assert(live !== undefined);
    const body = (bytes: number): string => `${++this.#lastBody}`.padEnd(bytes, ".");
    const outcomes = performInSession({ live, session, model: this.#model, body }, operation);
    if (outcomes === undefined) return;
    assert.deepEqual(outcomes[0], outcomes[1]);
    this.#compareReturned(session);
    if (!("refused" in outcomes[1])) return;
    this.#closeSession(number);
    this.#openSession(number, session.mode);
  }

  #compareReturned(session: ModelSession): void {
    const { events } = this.#live;
    const returned = events.filter((event) => event.what === "returned");
    for (const event of returned) events.splice(events.indexOf(event), 1);
    assert.deepEqual(
      returned.map(({ view }) => view),
      session.returned.splice(0),
      "returned messages",
    );
  }

  // --- time ---

  /** Goes from one moment to the next at which anything happens by itself. */
  async #pass(milliseconds: number): Promise<void> {
    await this.#settle();
    const end = this.#model.now + milliseconds;
    for (let next = this.#nextAt(); next <= end; next = this.#nextAt()) await this.#goTo(next);
    await this.#goTo(end);
  }

  #nextAt(): number {
    return Math.min(this.#live.clock.nextDueAt ?? Number.POSITIVE_INFINITY, this.#model.nextAt());
  }

  async #goTo(time: number): Promise<void> {
    this.#live.clock.advance(time - this.#live.clock.now());
    this.#model.now = time;
    await this.#settle();
  }

  // --- the store ---

  async #holdCommits(): Promise<void> {
    if (this.#durable !== undefined) return;
    await this.#settle();
    this.#live.store.holdCommits();
    this.#durable = this.#model.survivor();
  }

  async #failCommits(count: number): Promise<void> {
    if (this.#durable !== undefined) return;
    await this.#settle();
    const { store } = this.#live;
    store.failCommits(count, new Error("the disk is full"));
    this.#failingUntil = store.commitCount + count;
    this.#durable = this.#model.survivor();
    for (const session of this.#model.sessions) session.doubtfulFrom = session.confirms.length;
  }

  /** Notes what may have been refused while commits failed, and that they do so no more once one has succeeded. */
  #noteRecovery(): void {
    if (this.#failingUntil === undefined) return;
    const { store, broker } = this.#live;
    const isOver = store.commitCount > this.#failingUntil && !broker.barrier.failing;
    for (const session of this.#model.sessions) session.noteDoubts(isOver);
    if (!isOver) return;
    this.#failingUntil = undefined;
    this.#durable = undefined;
  }

  async #releaseCommits(): Promise<void> {
    while (this.#failingUntil !== undefined) {
      // Something to write, so that the next attempt comes.
      this.#live.broker.permissions.set(ALL_PERMISSIONS);
      await this.#pass(COMMIT_RETRY_MILLISECONDS);
    }
    this.#durable = undefined;
    this.#live.store.holdCommits(false);
    this.#live.store.held?.release();
    await this.#settle();
  }

  /** A message that was confirmed to its publisher and is still in a queue must be in what a crash leaves. */
  #checkPromises(survivor: ModelBroker): void {
    const [kept, left] = [this.#model.keptBodies(), survivor.keptBodies()];
    for (const { number, published } of this.#model.sessions) {
      const told = this.#live.sessions[number]?.confirms ?? [];
      for (const [index, { body, headers }] of published.entries()) {
        // One that waits somewhere for its delay may be kept there.
        if (told[index] !== true || !kept.has(body) || headers?.["x-delay"] !== undefined) continue;
        assert(left.has(body), `"${body}" is confirmed before it is durable`);
      }
    }
  }

  async #restart({ crash, downMilliseconds }: Named<"restart">): Promise<void> {
    if (!crash) {
      await this.#releaseCommits();
      for (const { number } of this.#model.sessions) this.#closeSession(number);
    }
    await this.#settle();
    const now = this.#model.now + downMilliseconds;
    const survivor = this.#durable ?? this.#model.survivor();
    this.#durable = undefined;
    this.#failingUntil = undefined;
    this.#checkPromises(survivor);
    if (crash) await this.#live.crash();
    else await this.#live.close();
    this.#live = new LiveBroker(this.#openStore, now);
    this.#model = survivor.restarted(now);
    this.#openSessions();
    this.#live.clock.advance(0);
    this.#model.recover();
    await this.#settle();
  }
}
