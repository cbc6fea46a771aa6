import assert from "node:assert/strict";
import { type Channel, type ChannelModel, type ConsumeMessage, connect } from "amqplib";
import type { FoundMessage, QueueLedger } from "./queue-ledger.ts";
import { BARRIER_QUEUE, barrier, connectionLost, messageNumber } from "./roles.ts";

/** Opens a connection, works with it and closes it. Rejects when the connection is lost meanwhile. */
export async function withConnection(url: string, work: (connection: ChannelModel) => Promise<void>): Promise<void> {
  const connection = await connect(url);
  await Promise.race([connectionLost(connection), work(connection)]);
  await connection.close();
}

/** Declares the durable queues the roles use. */
export async function declareQueues(connection: ChannelModel, queues: readonly string[]): Promise<void> {
  const channel = await connection.createChannel();
  for (const queue of [BARRIER_QUEUE, ...queues]) await channel.assertQueue(queue, { durable: true });
  await channel.close();
}

/** Audits a queue after a restart: consumes all that is in it, then settles it for good or puts it back. */
export async function inspectQueue(connection: ChannelModel, ledger: QueueLedger, drain: boolean): Promise<void> {
  const channel = await connection.createConfirmChannel();
  const { messageCount, consumerCount } = await channel.checkQueue(ledger.queue);
  assert.equal(consumerCount, 0, `${ledger.queue}: consumers after the restart`);
  const messages = await takeAll(channel, ledger.queue, messageCount);
  assert.equal((await channel.checkQueue(ledger.queue)).messageCount, 0, `${ledger.queue}: more than it has counted`);

  const found = messages.map((message): FoundMessage => {
    return { number: messageNumber(message), redelivered: message.fields.redelivered };
  });
  ledger.audit(found);

  if (drain) channel.ackAll();
  await barrier(channel);
  if (drain) for (const { number } of found) ledger.settled(number);
  await channel.purgeQueue(BARRIER_QUEUE);
  await channel.close();
}

/** The first `count` messages of a queue, not acknowledged. */
export function takeAll(channel: Channel, queue: string, count: number): Promise<ConsumeMessage[]> {
  return new Promise((resolve, reject) => {
    const messages: ConsumeMessage[] = [];
    const finish = (): void => {
      if (messages.length >= count) resolve(messages);
    };
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) reject(new Error("the consumer was cancelled"));
      else messages.push(message);
      finish();
    };
    channel.consume(queue, onMessage).then(finish, reject);
  });
}
