// Hot file: publish, deliver and acknowledge run for every message.

import type { Clock } from "../../lib/clock.ts";
import { type Random, randomName } from "../../lib/random.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import type { Permissions } from "../auth/permissions.ts";
import type { CommitBarrier } from "../commit-barrier.ts";
import { BrokerError } from "../errors.ts";
import type { Destination } from "../exchange/exchange.ts";
import { Message } from "../message.ts";
import { REPLY_QUEUE_NAME } from "../names.ts";
import type { Consumer, DeliverySink } from "../queue/consumer.ts";
import type { Queue } from "../queue/queue.ts";
import type { Turn } from "../turn.ts";
import type { Vhost } from "../vhost.ts";
import { type ConfirmOutput, ConfirmTracker } from "./confirm-tracker.ts";
import { consumerPriority } from "./consumer-arguments.ts";
import { type Delivery, DeliveryLedger } from "./delivery-ledger.ts";
import { ReplyDestination, type ReplyDirectory } from "./direct-reply.ts";
import {
  changeProperties,
  checkRareProperties,
  inspectMessage,
  messageHeaders,
  type Publisher,
  replyTo,
} from "./message-inspector.ts";
import { checkQueueAccess } from "./queue-access.ts";
import { RouteResolver } from "./route-resolver.ts";
import { senderSelected } from "./sender-selected.ts";
import { type Outcome, Transaction } from "./transaction.ts";

/** What a protocol's channel does for a session. */
export interface SessionOutput extends ConfirmOutput {
  /** False while the client does not take what it is sent. */
  readonly writable: boolean;
  deliver(consumer: Consumer, deliveryTag: number, redelivered: boolean, message: Message): void;
  deliverReply(consumerTag: string, deliveryTag: number, message: Message): void;
  /** A mandatory message had nowhere to go. */
  returned(message: Message): void;
  /** The queue of a consumer has gone. */
  consumerCancelled(consumerTag: string): void;
}

/** What a session is opened with. */
export interface SessionEnvironment {
  readonly vhost: Vhost;
  readonly userName: string;
  readonly mayImpersonate: boolean;
  /** Identity of the connection, for exclusive queues. */
  readonly connection: object;
  readonly permissions: Permissions;
  readonly replies: ReplyDirectory;
  readonly turn: Turn;
  readonly barrier: CommitBarrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly transactionBytesMax: number;
}

/** What a client asks for when it consumes. */
export interface ConsumeRequest {
  readonly queueName: string;
  /** "": the broker makes one up. */
  readonly consumerTag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly arguments: FieldTable;
}

/** What basic.get found; valid until the next call. */
export interface GetResult {
  readonly message: Message;
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  /** Messages ready after this one. */
  readonly messageCount: number;
}

/**
 * One client's ordered conversation with a virtual host, whatever the protocol: what it publishes, consumes and
 * acknowledges, its confirms and its transaction. In AMQP 0-9-1 a session is a channel.
 */
export class Session implements DeliverySink {
  readonly #environment: SessionEnvironment;
  readonly #output: SessionOutput;
  readonly #publisher: Publisher;
  readonly #routes: RouteResolver;
  readonly #ledger = new DeliveryLedger();
  readonly #consumers = new Map<string, Consumer>();
  readonly #message = new Message();
  #confirms: ConfirmTracker | undefined;
  #transaction: Transaction | undefined;
  #reply: ReplyDestination | undefined;
  /** Limit for each new consumer; 0: none. */
  #prefetchCount = 0;
  /** Limit that all consumers share; 0: none. */
  #sharedPrefetchCount = 0;
  /** Unacknowledged deliveries to consumers; those of basic.get do not count. */
  #consumerUnackedCount = 0;
  #starved = false;
  #closed = false;

  constructor(environment: SessionEnvironment, output: SessionOutput) {
    this.#environment = environment;
    this.#output = output;
    this.#publisher = environment;
    this.#routes = new RouteResolver(environment.vhost, environment.permissions, environment.userName);
  }

  get inTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  get confirming(): boolean {
    return this.#confirms !== undefined;
  }

  get unackedCount(): number {
    return this.#ledger.count;
  }

  get consumers(): Iterable<Consumer> {
    return this.#consumers.values();
  }

  /** True when the tag is taken by one of this session's consumers. */
  hasConsumer(consumerTag: string): boolean {
    return this.#consumers.has(consumerTag) || this.#reply?.consumerTag === consumerTag;
  }

  // --- publishing ---

  /**
   * Routes `message` and hands it to every destination. In confirm mode the outcome comes through the output later.
   *
   * @throws BrokerError NOT_FOUND, ACCESS_REFUSED or PRECONDITION_FAILED; nothing has been published then
   */
  publish(message: Message, mandatory: boolean): void {
    message.publishedAt = this.#environment.clock.now();
    // Held as it came: what inspection changes, it changes again at the commit.
    this.#transaction?.holdPublish(message, mandatory);
    const destinations = inspectMessage(message) ? this.#inspectRare(message) : this.#routes.resolve(message);
    if (this.#transaction !== undefined) return;
    const confirms = this.#confirms;
    if (destinations.length === 0 && mandatory) this.#output.returned(message);
    const publishSequence = confirms === undefined ? 0 : confirms.publish(destinations.length);
    for (let index = 0; index < destinations.length; index++) {
      (destinations[index] as Destination).push(message, confirms, publishSequence);
    }
  }

  /**
   * Turns confirm mode on; does nothing when it is.
   *
   * @throws BrokerError PRECONDITION_FAILED in tx mode
   */
  selectConfirms(): void {
    if (this.#transaction !== undefined) {
      throw new BrokerError("PRECONDITION_FAILED", "cannot switch from tx to confirm mode");
    }
    this.#confirms ??= new ConfirmTracker(this.#environment.turn, this.#output);
  }

  // --- transactions ---

  /**
   * Turns tx mode on; does nothing when it is.
   *
   * @throws BrokerError PRECONDITION_FAILED in confirm mode
   */
  selectTransactions(): void {
    if (this.#confirms !== undefined) {
      throw new BrokerError("PRECONDITION_FAILED", "cannot switch from confirm to tx mode");
    }
    this.#transaction ??= new Transaction(this.#environment.transactionBytesMax);
  }

  /**
   * Carries out all that the transaction holds, in one turn and so in one commit of the store, and calls `done` when
   * it is durable.
   *
   * @throws BrokerError PRECONDITION_FAILED outside tx mode; what publish throws when a route has gone, before anything is done
   */
  commitTransaction(done: () => void): void {
    const transaction = this.#requireTransaction();
    const routed = transaction.publishes.map(({ message, mandatory }) => ({
      message,
      mandatory,
      destinations: inspectMessage(message) ? this.#inspectRare(message) : this.#routes.resolve(message),
    }));
    for (const { message, mandatory, destinations } of routed) {
      if (destinations.length === 0 && mandatory) this.#output.returned(message);
      for (const destination of destinations) destination.push(message, undefined, 0);
    }
    for (const { delivery, outcome } of transaction.outcomes) this.#finish(delivery, outcome);
    transaction.clear();
    this.#wakeConsumers();
    this.#environment.barrier.whenDurable(done);
  }

  /**
   * Drops the publishes that the transaction holds and makes what it acknowledged unacknowledged again.
   *
   * @throws BrokerError PRECONDITION_FAILED outside tx mode
   */
  rollbackTransaction(): void {
    const transaction = this.#requireTransaction();
    for (const { delivery } of transaction.outcomes) this.#ledger.putBack(delivery);
    transaction.clear();
  }

  // --- consuming ---

  get writable(): boolean {
    if (
      this.#output.writable &&
      (this.#sharedPrefetchCount === 0 || this.#consumerUnackedCount < this.#sharedPrefetchCount)
    ) {
      return true;
    }
    this.#starved = true;
    return false;
  }

  deliver(consumer: Consumer, message: Message, sequence: number, redelivered: boolean): void {
    let deliveryTag: number;
    if (sequence < 0) {
      deliveryTag = this.#ledger.skip();
    } else {
      deliveryTag = this.#ledger.add(consumer.queue, consumer, sequence, message.persistent, message.bodyBytes);
      this.#consumerUnackedCount++;
    }
    this.#output.deliver(consumer, deliveryTag, redelivered, message);
  }

  consumerCancelled(consumer: Consumer): void {
    this.#consumers.delete(consumer.tag);
    this.#output.consumerCancelled(consumer.tag);
  }

  /**
   * Starts a consumer and calls `started` with its tag before its first delivery.
   *
   * @throws BrokerError NOT_FOUND, ACCESS_REFUSED, RESOURCE_LOCKED or PRECONDITION_FAILED
   */
  consume(request: ConsumeRequest, started: (consumerTag: string) => void): void {
    const consumerTag =
      request.consumerTag === "" ? randomName("amq.ctag-", this.#environment.random) : request.consumerTag;
    if (request.queueName === REPLY_QUEUE_NAME) {
      this.#consumeReplies(consumerTag, request.noAck);
      started(consumerTag);
      return;
    }
    const queue = this.#accessQueue(request.queueName);
    const consumer = queue.consume(this, {
      tag: consumerTag,
      noAck: request.noAck,
      exclusive: request.exclusive,
      priority: consumerPriority(request.arguments, queue),
      prefetchCount: this.#prefetchCount,
      arguments: request.arguments,
    });
    this.#consumers.set(consumerTag, consumer);
    started(consumerTag);
  }

  /** Ends a consumer; does nothing when there is none of that tag. What it has not acknowledged stays so. */
  cancel(consumerTag: string): void {
    const consumer = this.#consumers.get(consumerTag);
    if (consumer !== undefined) {
      this.#consumers.delete(consumerTag);
      consumer.queue.cancel(consumer);
    } else if (this.#reply?.consumerTag === consumerTag) {
      this.#environment.replies.remove(this.#reply);
      this.#reply = undefined;
    }
  }

  /**
   * Limits how many deliveries may be unacknowledged: `shared` by all consumers of the session together, otherwise
   * by each. Both apply to running consumers too.
   */
  setPrefetch(prefetchCount: number, shared: boolean): void {
    if (shared) {
      this.#sharedPrefetchCount = prefetchCount;
    } else {
      this.#prefetchCount = prefetchCount;
      for (const consumer of this.#consumers.values()) consumer.prefetchCount = prefetchCount;
    }
    this.#wakeConsumers();
  }

  /** The client takes output again. */
  outputWritable(): void {
    if (this.#starved) this.#wakeConsumers();
  }

  /**
   * Takes one message from a queue; undefined when there is none.
   *
   * @throws BrokerError NOT_FOUND, ACCESS_REFUSED or RESOURCE_LOCKED
   */
  get(queueName: string, noAck: boolean): GetResult | undefined {
    const queue = this.#accessQueue(queueName);
    const redelivered = queue.nextRedelivered;
    const message = this.#message;
    const sequence = queue.get(message);
    if (sequence < 0) return undefined;
    const messageCount = queue.readyCount;
    if (!noAck) {
      const deliveryTag = this.#ledger.add(queue, undefined, sequence, message.persistent, message.bodyBytes);
      return { message, deliveryTag, redelivered, messageCount };
    }
    queue.settle(sequence, message.persistent, message.bodyBytes);
    return { message, deliveryTag: this.#ledger.skip(), redelivered, messageCount };
  }

  // --- acknowledging ---

  /**
   * Ends one delivery, or with `multiple` all up to and including `deliveryTag` (0: all there are).
   *
   * @throws BrokerError PRECONDITION_FAILED for a tag that is not unacknowledged
   */
  acknowledge(deliveryTag: number, multiple: boolean, outcome: Outcome): void {
    if (!multiple) {
      const delivery = this.#ledger.take(deliveryTag);
      if (delivery === undefined) throw unknownDeliveryTag(deliveryTag);
      this.#end(delivery, outcome);
      return;
    }
    if (deliveryTag !== 0 && !this.#ledger.has(deliveryTag)) throw unknownDeliveryTag(deliveryTag);
    const deliveries = deliveryTag === 0 ? this.#ledger.takeAll() : this.#ledger.takeUpTo(deliveryTag);
    for (const delivery of deliveries) this.#end(delivery, outcome);
  }

  /** Makes every unacknowledged message ready again. basic.recover. */
  requeueAll(): void {
    for (const delivery of this.#ledger.takeAll()) this.#finish(delivery, "requeue");
    this.#wakeConsumers();
  }

  /** Ends the session: its consumers go, what it has not acknowledged is ready again, its transaction is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#transaction !== undefined) this.rollbackTransaction();
    const consumers = [...this.#consumers.values()];
    this.#consumers.clear();
    const deliveries = this.#ledger.takeAll();
    for (const consumer of consumers) consumer.queue.cancel(consumer);
    for (const delivery of deliveries) delivery.queue.requeue(delivery.sequence, delivery.bodyBytes);
    if (this.#reply !== undefined) this.#environment.replies.remove(this.#reply);
    this.#reply = undefined;
  }

  #inspectRare(message: Message): readonly Destination[] {
    checkRareProperties(message, this.#publisher, message.publishedAt);
    if (replyTo(message) === REPLY_QUEUE_NAME) {
      if (this.#reply === undefined) {
        throw new BrokerError("PRECONDITION_FAILED", "fast reply consumer does not exist");
      }
      changeProperties(message, { replyTo: this.#reply.name });
    }
    const headers = messageHeaders(message);
    if (headers === undefined) return this.#routes.resolve(message);
    const selected = senderSelected(headers);
    if (selected.headers !== undefined) changeProperties(message, { headers: selected.headers });
    if (selected.routingKeys.length === 0) return this.#routes.resolve(message);
    return this.#routes.resolveKeys(message, selected.routingKeys);
  }

  #accessQueue(queueName: string): Queue {
    const { vhost, permissions, userName, connection } = this.#environment;
    return checkQueueAccess(vhost, permissions, userName, connection, queueName);
  }

  #consumeReplies(consumerTag: string, noAck: boolean): void {
    if (this.#reply !== undefined) throw new BrokerError("PRECONDITION_FAILED", "reply consumer already set");
    if (!noAck) throw new BrokerError("PRECONDITION_FAILED", "reply consumer cannot acknowledge");
    const { random, replies } = this.#environment;
    this.#reply = new ReplyDestination(consumerTag, random, (message) => {
      this.#output.deliverReply(consumerTag, this.#ledger.skip(), message);
    });
    replies.add(this.#reply);
  }

  #end(delivery: Delivery, outcome: Outcome): void {
    if (this.#transaction !== undefined) this.#transaction.holdOutcome(delivery, outcome);
    else this.#finish(delivery, outcome);
  }

  #finish(delivery: Delivery, outcome: Outcome): void {
    const { queue, consumer } = delivery;
    if (outcome === "requeue") queue.requeue(delivery.sequence, delivery.bodyBytes);
    else queue.settle(delivery.sequence, delivery.persistent, delivery.bodyBytes);
    if (consumer === undefined) return;
    consumer.unackedCount--;
    this.#consumerUnackedCount--;
    if (this.#sharedPrefetchCount !== 0 && this.#starved) this.#wakeConsumers();
    else queue.consumerReady();
  }

  #wakeConsumers(): void {
    this.#starved = false;
    for (const consumer of this.#consumers.values()) consumer.queue.consumerReady();
  }

  #requireTransaction(): Transaction {
    if (this.#transaction === undefined) {
      throw new BrokerError("PRECONDITION_FAILED", "channel is not transactional");
    }
    return this.#transaction;
  }
}

function unknownDeliveryTag(deliveryTag: number): BrokerError {
  return new BrokerError("PRECONDITION_FAILED", `unknown delivery tag ${deliveryTag}`);
}
