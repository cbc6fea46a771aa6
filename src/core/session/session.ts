// Hot file: publish, deliver and acknowledge run for every message.

import { randomName } from "../../lib/random.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import type { Destination } from "../destination.ts";
import { BrokerError } from "../errors.ts";
import { Message } from "../message.ts";
import { REPLY_QUEUE_NAME, REPLY_QUEUE_PREFIX } from "../names.ts";
import type { ConsumedQueue, Consumer, DeliverySink } from "../queue/consumer.ts";
import type { GetTimedOut, Queue } from "../queue/queue.ts";
import { ConfirmTracker } from "./confirm-tracker.ts";
import { checkConsumerArguments, consumerPriority, consumerTimeout } from "./consumer-arguments.ts";
import type { ConsumeRequest, GetResult, SessionEnvironment, SessionOutput } from "./contract.ts";
import { type Delivery, DeliveryLedger } from "./delivery-ledger.ts";
import { MessageRouter } from "./message-router.ts";
import { checkQueueAccess } from "./queue-access.ts";
import { RouteResolver } from "./route-resolver.ts";
import { anyRefused, type Outcome, Transaction } from "./transaction.ts";

/**
 * One client's ordered conversation with a virtual host, whatever the protocol: what it publishes, consumes and
 * acknowledges, its confirms and its transaction. In AMQP 0-9-1 a session is a channel.
 */
export class Session implements DeliverySink {
  readonly #environment: SessionEnvironment;
  readonly #output: SessionOutput;
  readonly #router: MessageRouter;
  readonly #ledger = new DeliveryLedger();
  readonly #consumers = new Map<string, Consumer>();
  readonly #message = new Message();
  #confirms: ConfirmTracker | undefined;
  #transaction: Transaction | undefined;
  /** Where replies to this session go; undefined: it consumes none. */
  #replyQueue: Queue | undefined;
  /** Limit for each new consumer; 0: none. */
  #prefetchCount = 0;
  /** Messages got and taken back, for which an answer comes too late. */
  readonly #gotTooLong: { readonly queue: ConsumedQueue; readonly sequence: number }[] = [];
  #starved = false;
  #closed = false;

  constructor(environment: SessionEnvironment, output: SessionOutput) {
    this.#environment = environment;
    this.#output = output;
    const { vhost, permissions, userName, tableLimits } = environment;
    const routes = new RouteResolver(vhost, permissions, userName, tableLimits);
    this.#router = new MessageRouter(routes, environment, tableLimits, environment.publishTap);
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
    return this.#consumers.has(consumerTag);
  }

  // --- publishing ---

  /**
   * Routes `message` and hands it to every destination. In confirm mode the outcome comes through the output later.
   *
   * @throws BrokerError NOT_FOUND, ACCESS_REFUSED or PRECONDITION_FAILED; nothing has been published then
   */
  publish(message: Message, mandatory: boolean): void {
    message.publishedAt = this.#environment.turn.time;
    if (this.#transaction !== undefined) {
      // Held as it came: what inspection changes, it changes again at the commit.
      this.#transaction.holdPublish(message, mandatory);
      this.#router.check(message);
      return;
    }
    const destinations = this.#router.route(message);
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
    const now = this.#environment.clock.now();
    const routed = transaction.publishes.map(({ message, mandatory }) => {
      // A message begins to age when it is in a queue.
      message.publishedAt = now;
      return { message, mandatory, destinations: this.#router.route(message) };
    });
    if (anyRefused(routed)) throw new BrokerError("PRECONDITION_FAILED", "partial tx completion");
    for (const { message, mandatory, destinations } of routed) {
      if (destinations.length === 0 && mandatory) this.#output.returned(message);
      for (const destination of destinations) destination.push(message, undefined, 0);
    }
    for (const { delivery, outcome, headers } of transaction.outcomes) this.#finish(delivery, outcome, headers);
    transaction.clear();
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

  accepts(): boolean {
    if (this.#output.writable) return true;
    this.#starved = true;
    return false;
  }

  deliver(consumer: Consumer, message: Message, sequence: number, redelivered: boolean): void {
    const deliveryTag =
      sequence < 0
        ? this.#ledger.skip()
        : this.#ledger.add(consumer.queue, consumer, sequence, message.persistent, message.bodyBytes);
    this.#output.deliver(consumer, deliveryTag, redelivered, message);
  }

  consumerCancelled(consumer: Consumer): void {
    this.#consumers.delete(consumer.tag);
    this.#output.consumerCancelled(consumer.tag);
  }

  consumerTimedOut(consumer: Consumer, timeoutMilliseconds: number): void {
    const isThere = this.#consumers.get(consumer.tag) === consumer;
    this.#output.consumerTimedOut(isThere ? consumer.tag : undefined, timeoutMilliseconds);
  }

  /**
   * Starts a consumer and calls `started` with its tag before its first delivery.
   *
   * @throws BrokerError NOT_FOUND, ACCESS_REFUSED, RESOURCE_LOCKED or PRECONDITION_FAILED
   */
  consume(request: ConsumeRequest, started: (consumerTag: string) => void): void {
    const consumerTag =
      request.consumerTag === "" ? randomName("amq.ctag-", this.#environment.random) : request.consumerTag;
    const isForReplies = request.queueName === REPLY_QUEUE_NAME;
    if (isForReplies) this.#checkReplyConsumer(request);
    const queue = isForReplies ? this.#openReplyQueue() : this.#accessQueue(request.queueName);
    checkConsumerArguments(request.arguments, queue);
    const consumer = queue.consume(this, {
      tag: consumerTag,
      noAck: request.noAck,
      exclusive: request.exclusive,
      priority: consumerPriority(request.arguments, queue),
      prefetchCount: this.#prefetchCount,
      arguments: request.arguments,
      timeoutMilliseconds: consumerTimeout(request.arguments, queue),
    });
    this.#consumers.set(consumerTag, consumer);
    started(consumerTag);
  }

  /** Ends a consumer; does nothing when there is none of that tag. What it has not acknowledged stays so. */
  cancel(consumerTag: string): void {
    const consumer = this.#consumers.get(consumerTag);
    if (consumer === undefined) return;
    this.#consumers.delete(consumerTag);
    consumer.queue.cancel(consumer);
    if (consumer.queue === this.#replyQueue) this.#closeReplyQueue();
  }

  /** Permissions are to be looked at anew: ends consumers, and tells of it, whose queue the user may no longer read. */
  recheckConsumers(): void {
    const { vhost, permissions, userName } = this.#environment;
    for (const consumer of [...this.#consumers.values()]) {
      const { queue } = consumer;
      if (queue === this.#replyQueue) continue;
      if (permissions.allows(userName, vhost.name, "queue", queue.name, "read")) continue;
      queue.cancel(consumer);
      this.consumerCancelled(consumer);
    }
  }

  /** Limits how many deliveries each consumer that starts from now on may have unacknowledged; 0: no limit. */
  setPrefetch(prefetchCount: number): void {
    this.#prefetchCount = prefetchCount;
  }

  /** The client takes output again. */
  outputWritable(): void {
    if (!this.#starved) return;
    this.#starved = false;
    for (const consumer of this.#consumers.values()) consumer.queue.consumerReady();
  }

  /**
   * Takes one message from a queue; undefined when there is none.
   *
   * @throws BrokerError NOT_FOUND, ACCESS_REFUSED or RESOURCE_LOCKED
   */
  get(queueName: string, noAck: boolean): GetResult | undefined {
    const queue = this.#accessQueue(queueName);
    const message = this.#message;
    const sequence = queue.get(message, this.#onGetTimedOut);
    if (sequence < 0) return undefined;
    const redelivered = queue.gotRedelivered;
    const messageCount = queue.readyCount;
    if (!noAck) {
      const deliveryTag = this.#ledger.add(queue, undefined, sequence, message.persistent, message.bodyBytes);
      return { message, deliveryTag, redelivered, messageCount };
    }
    queue.settle(sequence, message.persistent, message.bodyBytes);
    // What the queue has let go of is there until the next message comes, and cannot be kept for longer.
    message.owner = undefined;
    return { message, deliveryTag: this.#ledger.skip(), redelivered, messageCount };
  }

  // --- acknowledging ---

  /**
   * Ends one delivery, or with `multiple` all up to and including `deliveryTag` (0: all there are). `headers` take the
   * place of the message's own if it stays or dies in a queue that counts returns.
   *
   * @throws BrokerError PRECONDITION_FAILED for a tag that is not unacknowledged
   */
  acknowledge(deliveryTag: number, multiple: boolean, outcome: Outcome, headers?: FieldTable): void {
    if (!multiple) {
      const delivery = this.#ledger.take(deliveryTag);
      if (delivery === undefined) throw unknownDeliveryTag(deliveryTag);
      this.#end(delivery, outcome, headers);
      return;
    }
    if (deliveryTag !== 0 && !this.#ledger.has(deliveryTag)) throw unknownDeliveryTag(deliveryTag);
    const deliveries = deliveryTag === 0 ? this.#ledger.takeAll() : this.#ledger.takeUpTo(deliveryTag);
    for (const delivery of deliveries) this.#end(delivery, outcome, headers);
  }

  /** Makes every unacknowledged message ready again; none of them counts as failed. basic.recover. */
  requeueAll(): void {
    for (const delivery of this.#ledger.takeAll()) this.#finish(delivery, "released");
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
    for (const delivery of deliveries) this.#answer(delivery, "failed");
    this.#closeReplyQueue();
  }

  #accessQueue(queueName: string): Queue {
    const { vhost, permissions, userName, connection } = this.#environment;
    return checkQueueAccess(vhost, permissions, userName, connection, queueName);
  }

  #checkReplyConsumer({ noAck }: ConsumeRequest): void {
    if (this.#replyQueue !== undefined) throw new BrokerError("PRECONDITION_FAILED", "reply consumer already set");
    if (!noAck) throw new BrokerError("PRECONDITION_FAILED", "reply consumer cannot acknowledge");
  }

  /** A queue that nobody but a replier finds: replies wait in it while the client does not take them. */
  #openReplyQueue(): Queue {
    const { random, replies, createReplyQueue } = this.#environment;
    const queue = createReplyQueue(randomName(REPLY_QUEUE_PREFIX, random));
    replies.add(queue);
    this.#replyQueue = queue;
    this.#router.replyQueueName = queue.name;
    return queue;
  }

  #closeReplyQueue(): void {
    if (this.#replyQueue === undefined) return;
    this.#environment.replies.remove(this.#replyQueue);
    this.#replyQueue.drop();
    this.#replyQueue = undefined;
    this.#router.replyQueueName = undefined;
  }

  #end(delivery: Delivery, outcome: Outcome, headers?: FieldTable): void {
    if (this.#transaction !== undefined) this.#transaction.holdOutcome(delivery, outcome, headers);
    else this.#finish(delivery, outcome, headers);
  }

  #finish(delivery: Delivery, outcome: Outcome, headers?: FieldTable): void {
    const { queue, consumer } = delivery;
    this.#answer(delivery, outcome, headers);
    if (consumer === undefined) return;
    consumer.unackedCount--;
    queue.consumerReady();
  }

  /** Tells the queue what became of a delivery, unless it has taken the message back. */
  #answer(delivery: Delivery, outcome: Outcome, headers?: FieldTable): void {
    const { queue, consumer, sequence, persistent, bodyBytes } = delivery;
    if (consumer === undefined ? this.#gotLate(queue, sequence) : consumer.answersLate(sequence)) return;
    if (outcome === "accepted") queue.settle(sequence, persistent, bodyBytes);
    else if (outcome === "rejected") queue.reject(sequence, persistent, bodyBytes, headers);
    else if (outcome === "failed-for-good") queue.reject(sequence, persistent, bodyBytes, headers, true);
    else queue.requeue(sequence, persistent, bodyBytes, outcome === "failed", headers);
  }

  readonly #onGetTimedOut: GetTimedOut = (queue, sequence, timeoutMilliseconds) => {
    this.#gotTooLong.push({ queue, sequence });
    this.#output.consumerTimedOut(undefined, timeoutMilliseconds);
  };

  #gotLate(queue: ConsumedQueue, sequence: number): boolean {
    return this.#gotTooLong.some((got) => got.queue === queue && got.sequence === sequence);
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
