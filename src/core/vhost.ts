import type { Clock } from "../lib/clock.ts";
import type { Random } from "../lib/random.ts";
import { EMPTY_TABLE, type FieldTable } from "../wire/field-table.ts";
import { AppliedPolicies, type PolicyEnvironment } from "./applied-policies.ts";
import { queueTypeOf } from "./arguments/queue-arguments.ts";
import { DeadLetterRouting } from "./dead-letter-routing.ts";
import type { DeduplicationEnvironment } from "./deduplication/deduplication-window.ts";
import { type DefinitionSink, InvalidDefinitionError } from "./definitions.ts";
import type { CreateDelayLine } from "./delay-line.ts";
import { BrokerError } from "./errors.ts";
import { createExchange } from "./exchange/create-exchange.ts";
import { DefaultExchange } from "./exchange/default-exchange.ts";
import type { Binding, Destination, Exchange, RoutingInput } from "./exchange/exchange.ts";
import type { ExchangeEnvironment } from "./exchange/exchange-environment.ts";
import type { ExchangeSpec } from "./exchange/exchange-spec.ts";
import { type Route, routeMessage } from "./exchange/route.ts";
import { RouteChanges } from "./exchange/route-changes.ts";
import { RouteTables } from "./exchange/route-table.ts";
import { isExchange } from "./exchange/target.ts";
import { ExclusiveQueues } from "./exclusive-queues.ts";
import { InboundBindings } from "./inbound-bindings.ts";
import type { CreateMessageHistory } from "./message-history.ts";
import { DEFAULT_EXCHANGE_NAME, notFound, REPLY_QUEUE_PREFIX } from "./names.ts";
import type { DefinitionKind } from "./ports.ts";
import type { Queue, QueueOptions } from "./queue/queue.ts";
import { isSuperStream, partitionOrder } from "./super-stream.ts";
import {
  bindingDefinition,
  bindingFromDefinition,
  exchangeDefinition,
  exchangeFromDefinition,
  queueDefinition,
  queueFromDefinition,
  type StoredDefinition,
} from "./topology-definitions.ts";
import { NO_METADATA, type VhostMetadata } from "./vhost-metadata.ts";

/** The pseudo queues of direct reply-to, by name. */
export interface ReplyNames {
  /** True while the requester is there. */
  isLive(queueName: string): boolean;
  /** Where a reply goes. */
  destination(queueName: string): Destination | undefined;
}

/** What a virtual host is made with. */
export interface VhostOptions {
  readonly name: string;
  readonly createQueue: (options: QueueOptions) => Queue;
  readonly createDelayLine: CreateDelayLine;
  readonly createMessageHistory: CreateMessageHistory;
  /** Gives out the u32 that a store knows a queue or exchange by; distinct within the whole broker. */
  readonly allocateQueueId: () => number;
  /** Takes back the u32 of an exchange. */
  readonly releaseQueueId: (id: number) => void;
  readonly deduplication: DeduplicationEnvironment;
  /** Is told of every change to durable exchanges, queues and bindings. */
  readonly definitions: DefinitionSink;
  readonly random: Random;
  readonly clock: Clock;
  /** Default: none. */
  readonly metadata?: VhostMetadata;
  readonly policies: PolicyEnvironment;
}

/** A new queue, as the virtual host is asked for it. */
export type NewQueue = Pick<QueueOptions, "name" | "durable" | "autoDelete" | "exclusiveOwner" | "arguments">;

/** A new exchange, as the virtual host is asked for it. */
export type NewExchange = Omit<ExchangeSpec, "vhost">;

/** The two things that a binding can lead to. */
export type BindingTarget = Queue | Exchange;

/** Exchanges every virtual host has from the start: AMQP 0-9-1 section 3.1.3; the last one is RabbitMQ's. */
const PREDECLARED_EXCHANGES = [
  { name: "amq.direct", type: "direct", internal: false },
  { name: "amq.fanout", type: "fanout", internal: false },
  { name: "amq.topic", type: "topic", internal: false },
  { name: "amq.headers", type: "headers", internal: false },
  { name: "amq.match", type: "headers", internal: false },
  { name: "amq.rabbitmq.trace", type: "topic", internal: true },
] as const;

/**
 * A name space of exchanges, queues and the bindings between them. It keeps the topology consistent and its durable
 * part recorded; whether a client may change it is for the commands to decide.
 *
 * Bindings and queues go with what they depend on: a binding with either of its ends, an auto-delete exchange with the
 * last binding it is the source of, an auto-delete queue with its last consumer.
 */
export class Vhost {
  readonly name: string;
  metadata: VhostMetadata;
  /** Finds the pseudo queue a direct reply goes to; consulted for names that start with `amq.rabbitmq.reply-to.`. */
  replies: ReplyNames = { isLive: () => false, destination: () => undefined };
  readonly #createQueue: (options: QueueOptions) => Queue;
  readonly #allocateQueueId: () => number;
  readonly #definitions: DefinitionSink;
  readonly #exchanges = new Map<string, Exchange>();
  readonly #queues = new Map<string, Queue>();
  readonly #exclusiveQueues = new ExclusiveQueues<Queue>();
  readonly #inboundBindings = new InboundBindings();
  readonly #exchangeByName = (name: string): Exchange | undefined => this.#exchanges.get(name);
  readonly #exchangeEnvironment: ExchangeEnvironment;
  readonly policies: AppliedPolicies;
  /** Publishes what dies in the queues. */
  readonly deadLetters: DeadLetterRouting;
  /** What has changed of late, for those who keep routes. */
  readonly routeChanges = new RouteChanges();
  /** Routes that publishers keep together. */
  readonly routeTables = new RouteTables(this.routeChanges);

  constructor(options: VhostOptions) {
    this.name = options.name;
    this.#createQueue = options.createQueue;
    this.#allocateQueueId = options.allocateQueueId;
    this.#definitions = options.definitions;
    this.metadata = options.metadata ?? NO_METADATA;
    this.policies = new AppliedPolicies(this, options.policies);
    const { random, clock, createDelayLine, createMessageHistory } = options;
    this.deadLetters = new DeadLetterRouting(this, clock);
    this.#exchangeEnvironment = {
      random,
      clock,
      exchangeByName: this.#exchangeByName,
      routeChanges: this.routeChanges,
      allocateId: options.allocateQueueId,
      releaseId: options.releaseQueueId,
      deduplication: options.deduplication,
      createDelayLine,
      createMessageHistory,
    };
    this.#exchanges.set(DEFAULT_EXCHANGE_NAME, new DefaultExchange((name) => this.#destination(name)));
    for (const predeclared of PREDECLARED_EXCHANGES) {
      const spec = { ...predeclared, vhost: this.name, durable: true, autoDelete: false, arguments: EMPTY_TABLE };
      this.#exchanges.set(spec.name, this.#makeExchange(spec));
    }
  }

  /** Rises with every change that may alter where a message goes. */
  get topologyGeneration(): number {
    return this.routeChanges.version;
  }

  get exchanges(): Iterable<Exchange> {
    return this.#exchanges.values();
  }

  get exchangeCount(): number {
    return this.#exchanges.size;
  }

  get queues(): Iterable<Queue> {
    return this.#queues.values();
  }

  get queueCount(): number {
    return this.#queues.size;
  }

  /** Every declared binding; those that each queue has to the default exchange are implied and not among them. */
  *bindings(): Generator<Binding, void, undefined> {
    for (const exchange of this.#exchanges.values()) yield* exchange.bindings;
  }

  findExchange(name: string): Exchange | undefined {
    return this.#exchanges.get(name);
  }

  findQueue(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  /** @throws BrokerError 404 when there is no such exchange. */
  requireExchange(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) throw notFound("exchange", name, this.name);
    return exchange;
  }

  /** @throws BrokerError 404 when there is no such queue. */
  requireQueue(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw notFound("queue", name, this.name);
    return queue;
  }

  /** Where a message published to `exchange` goes. */
  route(exchange: Exchange, input: RoutingInput): Route {
    return routeMessage(exchange, input, this.#exchangeByName);
  }

  /** Creates an exchange of a name that is free. @throws BrokerError 406 for a type or argument that cannot be. */
  addExchange(spec: NewExchange): Exchange {
    const exchange = this.#makeExchange({ ...spec, vhost: this.name });
    this.#exchanges.set(exchange.name, exchange);
    this.routeChanges.exchangeChanged(exchange.name);
    if (exchange.durable) this.#put("exchange", exchangeDefinition(this.name, exchange));
    return exchange;
  }

  /** Creates a queue of a name that is free. */
  addQueue(spec: NewQueue): Queue {
    const queue = this.#makeQueue(spec, this.#allocateQueueId());
    this.#holdQueue(queue);
    if (queue.durable) this.#put("queue", queueDefinition(this.name, queue));
    return queue;
  }

  /** Adds a binding between what this virtual host holds; does nothing when there is an equal one. @throws BrokerError */
  bind(source: Exchange, target: BindingTarget, routingKey: string, bindingArguments: FieldTable): void {
    const binding = { source, target, routingKey, arguments: bindingArguments };
    if (this.#holdBinding(binding) && isDurable(binding)) this.#put("binding", bindingDefinition(this.name, binding));
  }

  /** Removes the equal binding, if there is one, and with it the exchange when that was its last and it is auto-delete. */
  unbind(source: Exchange, target: BindingTarget, routingKey: string, bindingArguments: FieldTable): void {
    const binding = { source, target, routingKey, arguments: bindingArguments };
    if (!source.unbind(binding)) return;
    this.#forgetBinding(binding);
    if (isUnused(source)) this.deleteExchange(source);
  }

  /** Removes an exchange and every binding from or to it. */
  deleteExchange(exchange: Exchange): void {
    this.#deleteExchanges([exchange]);
  }

  /** Removes a queue, its messages, consumers and bindings. Returns how many messages were ready. */
  deleteQueue(queue: Queue): number {
    if (this.#queues.get(queue.name) !== queue) return 0;
    this.#queues.delete(queue.name);
    this.routeChanges.keyChanged(DEFAULT_EXCHANGE_NAME, queue.name);
    this.#exclusiveQueues.remove(queue);
    if (queue.durable) this.#definitions.delete("queue", queueDefinition(this.name, queue).id);
    this.#deleteExchanges(this.#unbindTarget(queue));
    queue.onUnused = undefined;
    queue.onExpired = undefined;
    return queue.drop();
  }

  /** Removes every queue, exchange and binding: the virtual host itself goes. */
  deleteAll(): void {
    for (const queue of [...this.#queues.values()]) this.deleteQueue(queue);
    this.#deleteExchanges([...this.#exchanges.values()]);
  }

  /** Removes every queue that is exclusive to `owner`, a connection. */
  deleteExclusiveQueues(owner: object): void {
    for (const queue of this.#exclusiveQueues.ownedBy(owner)) this.deleteQueue(queue);
  }

  /** Brings back a stored exchange. @throws InvalidDefinitionError */
  restoreExchange(id: string, value: unknown): Exchange {
    const spec = exchangeFromDefinition(id, value);
    const exchange = acceptable("exchange", id, () => this.#makeExchange(spec));
    this.#exchanges.set(exchange.name, exchange);
    this.routeChanges.exchangeChanged(exchange.name);
    // Stored before exchanges of its type kept anything: what it keeps from now on has to be found again.
    if (exchange.stored !== undefined && spec.id === undefined) {
      this.#put("exchange", exchangeDefinition(this.name, exchange));
    }
    return exchange;
  }

  /** Brings back a stored queue under the id it had. @throws InvalidDefinitionError */
  restoreQueue(id: string, value: unknown): Queue {
    const { queueId, name, autoDelete, arguments: queueArguments } = queueFromDefinition(id, value);
    const spec = { name, durable: true, autoDelete, exclusiveOwner: undefined, arguments: queueArguments };
    const queue = this.#makeQueue(spec, queueId);
    this.#holdQueue(queue);
    return queue;
  }

  /** Brings back a stored binding; its ends must be back already. @throws InvalidDefinitionError */
  restoreBinding(id: string, value: unknown): void {
    const stored = bindingFromDefinition(id, value);
    const source = this.#exchanges.get(stored.source);
    const target = stored.targetKind === "queue" ? this.#queues.get(stored.target) : this.#exchanges.get(stored.target);
    if (source === undefined || target === undefined) {
      throw new InvalidDefinitionError("binding", id, "one of its ends is not there");
    }
    const binding = { source, target, routingKey: stored.routingKey, arguments: stored.arguments };
    acceptable("binding", id, () => this.#holdBinding(binding));
  }

  #destination(queueName: string): Destination | undefined {
    const queue = this.#queues.get(queueName);
    if (queue !== undefined || !queueName.startsWith(REPLY_QUEUE_PREFIX)) return queue;
    return this.replies.destination(queueName);
  }

  /** @throws BrokerError 406 for a type or argument that cannot be */
  #makeExchange(spec: ExchangeSpec): Exchange {
    const exchange = createExchange(spec, this.#exchangeEnvironment);
    this.policies.configureExchange(exchange);
    return exchange;
  }

  #put(kind: DefinitionKind, { id, value }: StoredDefinition): void {
    this.#definitions.put(kind, id, value);
  }

  #makeQueue(spec: NewQueue, id: number): Queue {
    const type = queueTypeOf(spec.arguments);
    const settings = this.policies.queueSettings(spec.name, type, spec.arguments);
    return this.#createQueue({ ...spec, id, type, vhostName: this.name, settings, deadLetters: this.deadLetters });
  }

  #holdQueue(queue: Queue): void {
    this.#queues.set(queue.name, queue);
    this.routeChanges.keyChanged(DEFAULT_EXCHANGE_NAME, queue.name);
    if (queue.autoDelete) queue.onUnused = () => this.deleteQueue(queue);
    queue.onExpired = () => this.deleteQueue(queue);
    this.#exclusiveQueues.add(queue);
  }

  /** False when there was an equal binding. */
  #holdBinding(binding: Binding): boolean {
    if (!binding.source.bind(binding)) return false;
    this.#inboundBindings.add(binding);
    this.routeChanges.bindingChanged(binding);
    markPartition(binding, true);
    return true;
  }

  #forgetBinding(binding: Binding): void {
    this.#inboundBindings.remove(binding);
    this.routeChanges.bindingChanged(binding);
    markPartition(binding, false);
    if (isDurable(binding)) this.#definitions.delete("binding", bindingDefinition(this.name, binding).id);
  }

  /** Removes `exchanges`, and those that are unused without them, and so on: a chain too long for recursion */
  #deleteExchanges(exchanges: Exchange[]): void {
    for (const exchange of exchanges) {
      if (this.#exchanges.get(exchange.name) !== exchange) continue;
      this.#exchanges.delete(exchange.name);
      this.routeChanges.exchangeChanged(exchange.name);
      if (exchange.durable) this.#definitions.delete("exchange", exchangeDefinition(this.name, exchange).id);
      exchange.stored?.drop();
      for (const binding of exchange.bindings) this.#forgetBinding(binding);
      for (const unused of this.#unbindTarget(exchange)) exchanges.push(unused);
    }
  }

  /** Removes every binding to `target`; returns the exchanges that this leaves unused and that go therefore. */
  #unbindTarget(target: BindingTarget): Exchange[] {
    const sources = this.#inboundBindings.sourcesOf(target);
    for (const source of sources) {
      for (const binding of source.unbindTarget(target)) this.#forgetBinding(binding);
    }
    return sources.filter(isUnused);
  }
}

/** True for an auto-delete exchange whose last binding has gone. */
function isUnused(exchange: Exchange): boolean {
  return exchange.autoDelete && exchange.bindingCount === 0;
}

/** Tells a stream which partition of a super stream it is, so that consumers spread over the partitions. */
function markPartition({ source, target, arguments: bindingArguments }: Binding, isBound: boolean): void {
  const order = partitionOrder(bindingArguments);
  if (order === undefined || isExchange(target) || !isSuperStream(source)) return;
  (target as Queue).setPartition?.(isBound ? order : 0);
}

/** Bindings of durable queues and exchanges to durable exchanges are durable: AMQP 0-9-1, rule queue.bind/durable. */
function isDurable(binding: Binding): boolean {
  // A virtual host binds to nothing but its own queues and exchanges.
  return binding.source.durable && (binding.target as BindingTarget).durable;
}

/** The result of `restore`; what would be refused from a client is not valid in a stored definition either. */
function acceptable<Result>(kind: DefinitionKind, id: string, restore: () => Result): Result {
  try {
    return restore();
  } catch (error) {
    if (error instanceof BrokerError) throw new InvalidDefinitionError(kind, id, error.message);
    throw error;
  }
}
