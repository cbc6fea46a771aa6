import type { ModelBroker } from "./model-broker.ts";
import { newConsumer } from "./model-consumers.ts";
import { dueNow, type MessageView, type ModelMessage, viewOf } from "./model-message.ts";
import type { ModelQueue } from "./model-queue.ts";
import type { ModelDelivery, ModelSession, Outcome } from "./model-session.ts";

/** What a session does to the model. A failure is the name of the reply that ends the session. */
export class Refusal extends Error {}

export interface Got {
  readonly view: MessageView;
  readonly redelivered: boolean;
  readonly deliveryTag: number;
  readonly messageCount: number;
}

export function publish(broker: ModelBroker, session: ModelSession, message: ModelMessage, mandatory: boolean): void {
  if (!broker.topology.hasExchange(message.exchange)) throw new Refusal("NOT_FOUND");
  if (session.mode === "transactions") {
    session.heldPublishes.push({ message, mandatory });
    return;
  }
  const isTaken = send(broker, session, message, mandatory, broker.destinations(message));
  if (session.mode !== "confirms") return;
  session.published.push(message);
  session.confirms.push(isTaken);
}

function send(
  broker: ModelBroker,
  session: ModelSession,
  message: ModelMessage,
  mandatory: boolean,
  destinations: ReturnType<ModelBroker["destinations"]>,
): boolean {
  const isRouted = destinations.queues.length + destinations.waitsIn.length > 0;
  if (!isRouted && mandatory) session.returned.push(viewOf(message, 0, 0));
  return broker.send(message, destinations);
}

/** Reference 1.7: all of it, or nothing when a queue would refuse any. */
export function commit(broker: ModelBroker, session: ModelSession): void {
  const publishes = session.heldPublishes.map(({ message, mandatory }) => {
    if (!broker.topology.hasExchange(message.exchange)) throw new Refusal("NOT_FOUND");
    const fresh = dueNow(message, broker.now);
    return { message: fresh, mandatory, destinations: broker.destinations(fresh) };
  });
  const queues = new Set(publishes.flatMap(({ destinations }) => destinations.queues));
  for (const queue of queues) {
    const its = publishes.filter(({ destinations }) => destinations.queues.includes(queue));
    const bytes = its.reduce((sum, { message }) => sum + message.body.length, 0);
    if (queue.refuses(its.length, bytes)) throw new Refusal("PRECONDITION_FAILED");
  }
  const outcomes = session.heldOutcomes;
  session.heldPublishes = [];
  session.heldOutcomes = [];
  for (const { message, mandatory, destinations } of publishes) send(broker, session, message, mandatory, destinations);
  for (const { delivery, outcome } of outcomes) finish(delivery, outcome);
}

export function rollback(session: ModelSession): void {
  for (const { delivery } of session.heldOutcomes) session.deliveries.set(delivery.deliveryTag, delivery);
  session.heldOutcomes = [];
  session.heldPublishes = [];
}

export function acknowledge(session: ModelSession, deliveryTag: number, multiple: boolean, outcome: Outcome): void {
  const isMeant = (tag: number): boolean => (multiple ? tag <= deliveryTag : tag === deliveryTag);
  for (const delivery of takeDeliveries(session, isMeant)) {
    if (session.mode === "transactions") session.heldOutcomes.push({ delivery, outcome });
    else finish(delivery, outcome);
  }
}

/** basic.recover: returned, and no failure. */
export function recover(session: ModelSession): void {
  for (const delivery of takeDeliveries(session, () => true)) finish(delivery, "released");
}

export function consume(
  broker: ModelBroker,
  session: ModelSession,
  queue: ModelQueue,
  options: { tag: string; noAck: boolean; exclusive: boolean; priority: number },
): void {
  if (queue.consumers.refuses(options.exclusive)) throw new Refusal("ACCESS_REFUSED");
  const consumer = newConsumer({ ...options, session, queueName: queue.name, prefetch: session.prefetch });
  queue.consumers.add(consumer);
  session.consumers.set(options.tag, consumer);
  broker.noteReadiness();
}

export function cancel(broker: ModelBroker, session: ModelSession, tag: string): void {
  const consumer = session.consumers.get(tag);
  if (consumer === undefined) return;
  session.consumers.delete(tag);
  const queue = broker.queues.get(consumer.queueName) as ModelQueue;
  queue.consumers.remove(consumer);
  queue.usedAt = broker.now;
  if (queue.spec.autoDelete && queue.consumers.all.length === 0) broker.deleteQueue(queue.name);
}

export function get(broker: ModelBroker, session: ModelSession, queue: ModelQueue, noAck: boolean): Got | undefined {
  // Reference 2.1: a quorum queue with a single active consumer has no basic.get.
  if (queue.spec.kind === "quorum" && queue.settings.singleActiveConsumer) throw new Refusal("RESOURCE_LOCKED");
  queue.usedAt = broker.now;
  queue.expire();
  const entry = queue.next();
  if (entry === undefined) return undefined;
  const seen = queue.take(entry, noAck);
  queue.expire();
  if (noAck) session.lastDeliveryTag++;
  else session.deliver(broker, queue, entry, undefined);
  return { ...seen, deliveryTag: session.lastDeliveryTag, messageCount: queue.count("ready") };
}

/** Its consumers go first, then what it has not acknowledged comes back as failed. */
export function close(broker: ModelBroker, session: ModelSession): void {
  rollback(session);
  const deliveries = takeDeliveries(session, () => true);
  for (const tag of [...session.consumers.keys()]) cancel(broker, session, tag);
  for (const { queue, entry, isLate } of deliveries) if (!isLate && !queue.isDropped) queue.requeue(entry, true);
}

function takeDeliveries(session: ModelSession, isMeant: (tag: number) => boolean): ModelDelivery[] {
  const taken = [...session.deliveries.values()].filter(({ deliveryTag }) => isMeant(deliveryTag));
  for (const { deliveryTag } of taken) session.deliveries.delete(deliveryTag);
  return taken.sort((a, b) => a.deliveryTag - b.deliveryTag);
}

function finish({ queue, entry, consumer, isLate }: ModelDelivery, outcome: Outcome): void {
  if (!isLate && !queue.isDropped) {
    if (outcome === "accepted") queue.remove(entry);
    else if (outcome === "rejected") queue.reject(entry);
    else queue.requeue(entry, outcome === "failed");
  }
  if (consumer === undefined) return;
  consumer.unacked--;
  if (isLate) consumer.late--;
}
