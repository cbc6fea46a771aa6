import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Channel, ChannelModel } from "amqplib";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { fibonacci } from "../support/scenarios.ts";
import { declareQueue, openConnection, text } from "./connection.ts";

const url = await brokerUnderTest();
const NUMBERS = Array.from({ length: 15 }, (_, n) => n);

/** Answers requests with Fibonacci numbers, one at a time; the inbox gets the reply-to of each. */
async function startServer(connection: ChannelModel, queue: string): Promise<Inbox<string>> {
  const replyTos = new Inbox<string>();
  const channel = await connection.createChannel();
  await channel.prefetch(1);
  await channel.consume(queue, (request) => {
    if (request === null) return;
    const { replyTo, correlationId } = request.properties;
    channel.sendToQueue(replyTo, Buffer.from(String(fibonacci(Number(text(request))))), { correlationId });
    channel.ack(request);
    replyTos.put(replyTo);
  });
  return replyTos;
}

/** Sends requests whose answers are expected in `replyQueue`. */
async function startClient(
  channel: Channel,
  replyQueue: string,
): Promise<(queue: string, n: number) => Promise<number>> {
  const waiting = new Map<string, (answer: number) => void>();
  await channel.consume(
    replyQueue,
    (reply) => {
      const { correlationId } = reply?.properties ?? {};
      waiting.get(correlationId)?.(Number(text(reply)));
      waiting.delete(correlationId);
    },
    { noAck: true },
  );
  return (queue, n) =>
    new Promise((resolve) => {
      const correlationId = randomUUID();
      waiting.set(correlationId, resolve);
      channel.sendToQueue(queue, Buffer.from(String(n)), { correlationId, replyTo: replyQueue });
    });
}

test("rpc: replies come to the caller's own callback queue and are told apart by correlation id", async (t) => {
  const server = await openConnection(t, url);
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, server, "rpc");
  await startServer(server, queue);
  const channel = await client.createChannel();
  const { queue: callbackQueue } = await channel.assertQueue("", { exclusive: true });
  const call = await startClient(channel, callbackQueue);

  const answers = await Promise.all(NUMBERS.map((n) => call(queue, n)));

  assert.deepEqual(answers, NUMBERS.map(fibonacci));
  assert.equal((await channel.checkQueue(callbackQueue)).messageCount, 0);
});

test("rpc: direct reply-to needs no callback queue", async (t) => {
  const server = await openConnection(t, url);
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, server, "rpc");
  const replyTos = await startServer(server, queue);
  const call = await startClient(await client.createChannel(), "amq.rabbitmq.reply-to");

  const answers = await Promise.all(NUMBERS.map((n) => call(queue, n)));

  assert.deepEqual(answers, NUMBERS.map(fibonacci));
  for (const replyTo of await replyTos.take(NUMBERS.length)) assert.match(replyTo, /^amq\.rabbitmq\.reply-to\../);
});

test("rpc: direct reply-to without a consumer for the replies is refused", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "rpc");
  const channel = await connection.createChannel();
  const closed = new Promise<Error>((resolve) => channel.once("error", resolve));
  channel.sendToQueue(queue, Buffer.from("1"), { replyTo: "amq.rabbitmq.reply-to" });
  assert.match((await closed).message, /406 \(PRECONDITION-FAILED\).*fast reply consumer does not exist/);
});
