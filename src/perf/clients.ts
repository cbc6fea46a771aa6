import { type ConnectionOptions, PerfConnection } from "./connection.ts";
import { Consumer } from "./consumer.ts";
import type { Countdown } from "./countdown.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import { Poller } from "./poller.ts";
import { PublishBatch } from "./publish-batch.ts";
import { Publisher } from "./publisher.ts";
import type { ThroughputOptions } from "./throughput-options.ts";
import { declareQueue, queueNames, routingKeys, shareOf, type TopologyOptions } from "./topology.ts";

/** What all clients of a run share. */
export interface ClientContext {
  readonly options: ThroughputOptions;
  readonly connecting: ConnectionOptions;
  readonly countdown: Countdown;
  readonly latency: LatencyHistogram | undefined;
  readonly confirmLatency: LatencyHistogram | undefined;
  readonly onPublisherDone: () => void;
}

/** A client that takes messages from its queues once it is started. */
export interface ConsumingClient {
  readonly consumer: Consumer;
  start(): void;
  /** Acknowledges what it has taken, and takes no more. */
  stop(): void;
}

/** Connects consumer number `index` and declares its queues. Rejects with a {@link PerfError}. */
export async function openConsumer(context: ClientContext, index: number): Promise<ConsumingClient> {
  const { options, countdown, latency } = context;
  const connection = await PerfConnection.open(context.connecting);
  const queues = await declareQueues(connection, options, shareOf(queueNames(options), index, options.consumers));
  if (options.prefetch > 0) {
    await connection.call("basic.qos", { prefetchCount: options.prefetch });
  }
  const consumer = new Consumer({ connection, ackBatch: options.ack, countdown, latency });
  if (options.polling) {
    const poller = new Poller(connection, consumer, queues, options.ack === 0);
    connection.carry(poller);
    const stop = (): void => {
      poller.stop();
      consumer.finish();
    };
    return { consumer, start: () => poller.start(), stop };
  }
  connection.carry(consumer);
  const start = (): void => {
    for (const [turn, queue] of queues.entries()) consume(connection, options, queue, String(turn));
  };
  return { consumer, start, stop: () => consumer.finish() };
}

/** Connects publisher number `index`, and declares its queues if no consumer does. Rejects with a {@link PerfError}. */
export async function openPublisher(context: ClientContext, index: number): Promise<Publisher> {
  const { options } = context;
  const connection = await PerfConnection.open(context.connecting);
  const queues = shareOf(queueNames(options), index, options.publishers);
  if (options.consumers === 0) await declareQueues(connection, options, queues);
  if (options.confirms > 0) await connection.call("confirm.select");
  const shape = {
    exchange: options.exchange,
    routingKeys: routingKeys(options, queues),
    bodyBytes: options.size,
    persistent: options.persistent,
  };
  const publisher = new Publisher({
    connection,
    batch: new PublishBatch(shape, connection.frameBytesMax),
    unconfirmedMax: options.confirms,
    rate: options.rate,
    messages: options.messages === 0 ? Infinity : partOf(options.messages, index, options.publishers),
    stamped: options.latency,
    confirmLatency: context.confirmLatency,
    onDone: context.onPublisherDone,
  });
  connection.carry(publisher);
  return publisher;
}

async function declareQueues(
  connection: PerfConnection,
  options: ThroughputOptions,
  names: readonly string[],
): Promise<string[]> {
  const declared: string[] = [];
  for (const name of names) declared.push(await declareQueue(connection, options, name));
  return declared;
}

/** Deliveries may come before anything could be done with a reply, so none is asked for. */
function consume(connection: PerfConnection, options: ThroughputOptions, queue: string, consumerTag: string): void {
  const { ack, consumerArguments } = options;
  connection.send("basic.consume", {
    queue,
    consumerTag,
    noAck: ack === 0,
    noWait: true,
    arguments: consumerArguments,
  });
}

/** The share of `total` that number `index` of `parts` gets, so that all of them together get it exactly. */
function partOf(total: number, index: number, parts: number): number {
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0);
}

/** Deletes all queues of a run that have a name. */
export async function deleteQueues(connecting: ConnectionOptions, options: TopologyOptions): Promise<void> {
  const connection = await PerfConnection.open(connecting);
  for (const queue of queueNames(options).filter((name) => name !== "")) {
    await connection.call("queue.delete", { queue });
  }
  await connection.close();
}
