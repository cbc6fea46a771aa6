import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from "amqplib";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { numberOf, publish } from "./messages.ts";
import type { QueueLedger } from "./queue-ledger.ts";

const BURST_MAX = 60;
const WORKER_PREFETCH = 40;
const WORKER_BATCH_MAX = 20;
const HOLDER_PREFETCH = 25;
/** Queue of the messages that only prove, by their confirm, that what was sent before them is on disk. */
export const BARRIER_QUEUE = "barrier";

/** Something that uses the broker until its connection is lost, and then rejects. */
export type Role = (url: string) => Promise<never>;

/** Publishes messages in bursts, the next while the last is not yet confirmed. */
export function producer(ledger: QueueLedger, random: SeededRandom, transientShare = 0): Role {
  return onChannel(async (channel) => {
    const send = async (): Promise<void> => {
      const number = ledger.nextNumber++;
      const persistent = !random.chance(transientShare);
      ledger.publishing(number, persistent);
      await publish(channel, ledger.queue, number, persistent);
      ledger.confirmed(number);
    };
    let previous: Promise<unknown> = Promise.resolve();
    for (;;) {
      const burst = Promise.all(Array.from({ length: random.integer(1, BURST_MAX) }, send));
      // Its failure counts when it is awaited, not before.
      burst.catch(() => undefined);
      await previous;
      previous = burst;
    }
  });
}

/** Consumes and acknowledges, sometimes one by one, sometimes many at once, always keeping some back. */
export function worker(ledger: QueueLedger, random: SeededRandom): Role {
  return onChannel(async (channel, connection) => {
    await channel.prefetch(WORKER_PREFETCH);
    const held: ConsumeMessage[] = [];
    let batchSize = random.integer(1, WORKER_BATCH_MAX);
    await consume(connection, channel, ledger.queue, async (message) => {
      held.push(message);
      if (held.length < batchSize * 2) return;
      const batch = held.splice(0, batchSize);
      batchSize = random.integer(1, WORKER_BATCH_MAX);
      const numbers = batch.map(messageNumber);
      for (const number of numbers) ledger.acknowledging(number);
      if (random.chance(0.5)) channel.ack(batch.at(-1) as ConsumeMessage, true);
      else for (const each of batch) channel.ack(each);
      await barrier(channel);
      for (const number of numbers) ledger.settled(number);
    });
  });
}

/** Consumes and never acknowledges. */
export function holder(ledger: QueueLedger): Role {
  return onChannel(async (channel, connection) => {
    await channel.prefetch(HOLDER_PREFETCH);
    await consume(connection, channel, ledger.queue, async (message) => {
      const number = messageNumber(message);
      await barrier(channel);
      ledger.deliveryRecorded(number);
    });
  });
}

/** Consumes and refuses everything, for good or to get it again; some of it is held back. */
export function rejecter(queue: string, random: SeededRandom, requeue: boolean): Role {
  return onChannel(async (channel, connection) => {
    await channel.prefetch(WORKER_PREFETCH);
    const held: ConsumeMessage[] = [];
    await consume(connection, channel, queue, async (message) => {
      held.push(message);
      if (held.length < WORKER_BATCH_MAX) return;
      for (const each of held.splice(0, random.integer(1, WORKER_BATCH_MAX))) channel.reject(each, requeue);
    });
  });
}

/** The number of a delivered message. */
export function messageNumber(message: ConsumeMessage): number {
  return numberOf(message.properties.messageId, message.content);
}

/** Resolves when everything sent on the channel so far is on disk. */
export function barrier(channel: ConfirmChannel): Promise<void> {
  return publish(channel, BARRIER_QUEUE, 1, true);
}

/** A role that consumes from a queue on a channel of its own. */
export function consumer(
  queue: string,
  prefetchCount: number,
  handle: (channel: ConfirmChannel, message: ConsumeMessage) => Promise<void>,
): Role {
  return onChannel(async (channel, connection) => {
    await channel.prefetch(prefetchCount);
    await consume(connection, channel, queue, (message) => handle(channel, message));
  });
}

/** A role that works on one confirm channel of its own connection. */
function onChannel(work: (channel: ConfirmChannel, connection: ChannelModel) => Promise<unknown>): Role {
  return async (url) => {
    const connection = await connect(url);
    const lost = connectionLost(connection);
    const working = connection.createConfirmChannel().then((channel) => work(channel, connection));
    await Promise.race([lost, working]);
    return lost;
  };
}

/** Consumes until the connection is lost; rejects as soon as handling a message fails. */
async function consume(
  connection: ChannelModel,
  channel: ConfirmChannel,
  queue: string,
  handle: (message: ConsumeMessage) => Promise<void>,
): Promise<void> {
  await new Promise((_, reject) => {
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) reject(new Error(`${queue}: the consumer was cancelled`));
      else handle(message).catch(reject);
    };
    channel.consume(queue, onMessage).catch(reject);
    connection.once("close", () => reject(new Error("the connection is closed")));
  });
}

/** Rejects when the connection is closed, with the error that closed it. */
export function connectionLost(connection: ChannelModel): Promise<never> {
  return new Promise((_, reject) => {
    let cause = "";
    connection.on("error", (error) => {
      cause = `: ${error.message}`;
    });
    connection.on("close", () => reject(new Error(`the connection was lost${cause}`)));
  });
}
