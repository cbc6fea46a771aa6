import assert from "node:assert/strict";
import { test } from "node:test";
import { AMQPClient, type AMQPMessage } from "@cloudamqp/amqp-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { Link } from "../support/link.ts";
import { numbered } from "../support/scenarios.ts";
import { declareQueue, openConnection } from "./connection.ts";

const url = await brokerUnderTest();
const PERSISTENT = { deliveryMode: 2 };

test("work queues: tasks are dealt to the workers in turn", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const [first, second] = [new Inbox<string | null>(), new Inbox<string | null>()];
  for (const inbox of [first, second]) {
    const worker = await (await openConnection(t, url)).channel();
    await worker.basicConsume(queue, { noAck: true }, (message) => inbox.put(message.bodyString()));
  }

  const channel = await client.channel();
  for (const task of numbered("task", 10)) await channel.basicPublish("", queue, task, PERSISTENT);

  const received = [await first.take(5), await second.take(5)].sort();
  assert.deepEqual(received, [
    ["task 0", "task 2", "task 4", "task 6", "task 8"],
    ["task 1", "task 3", "task 5", "task 7", "task 9"],
  ]);
});

test("work queues: with prefetch 1 a busy worker gets nothing more and the other gets the rest", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const done = new Inbox<{ worker: number; task: string | null }>();
  let slowTask: AMQPMessage | undefined;
  for (const worker of [1, 2]) {
    const channel = await (await openConnection(t, url)).channel();
    await channel.basicQos(1);
    await channel.basicConsume(queue, { noAck: false }, async (message) => {
      const task = message.bodyString();
      done.put({ worker, task });
      if (task === "slow") slowTask = message;
      else await message.ack();
    });
  }

  const channel = await client.channel();
  const quick = numbered("quick", 8);
  for (const task of ["slow", ...quick]) await channel.basicPublish("", queue, task, PERSISTENT);

  const tasks = await done.take(9);
  const busy = tasks.find(({ task }) => task === "slow")?.worker;
  const tasksOf = (isBusy: boolean): unknown[] =>
    tasks.filter(({ worker }) => (worker === busy) === isBusy).map(({ task }) => task);
  assert.deepEqual(tasksOf(true), ["slow"]);
  assert.deepEqual(tasksOf(false), quick);

  await slowTask?.ack();
  for (const task of ["next", "next"]) await channel.basicPublish("", queue, task, PERSISTENT);
  await done.take(2);
});

test("work queues: what a worker had not acknowledged when it died goes to another, in order", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const channel = await client.channel();
  const tasks = numbered("task", 6);
  for (const task of tasks) await channel.basicPublish("", queue, task, PERSISTENT);

  const link = await Link.open(t, url);
  const doomedConnection = await new AMQPClient(link.url, undefined, null).connect();
  doomedConnection.onerror = () => undefined;
  const doomed = await doomedConnection.channel();
  const taken = new Inbox<AMQPMessage>();
  await doomed.basicConsume(queue, { noAck: false }, (message) => taken.put(message));
  const messages = await taken.take(6);
  await messages[1]?.ack(true);
  await doomed.basicQos(0);
  link.cut();

  const inbox = new Inbox<{ task: string | null; redelivered: boolean }>();
  await channel.basicConsume(queue, { noAck: false }, async (message) => {
    inbox.put({ task: message.bodyString(), redelivered: message.redelivered });
    await message.ack();
  });
  const expected = tasks.slice(2).map((task) => ({ task, redelivered: true }));
  assert.deepEqual(await inbox.take(4), expected);
});

test("work queues: acknowledged tasks do not come back when the worker leaves", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const channel = await client.channel();
  for (const task of numbered("task", 5)) await channel.basicPublish("", queue, task, PERSISTENT);

  const worker = await client.channel();
  const received: (string | null)[] = [];
  const consumer = await worker.basicConsume(queue, { noAck: false });
  for await (const message of consumer.messages) {
    received.push(message.bodyString());
    await message.ack();
    if (received.length === 5) break;
  }
  assert.deepEqual(received, numbered("task", 5));
  await worker.close();

  const state = await channel.queueDeclare(queue, { passive: true });
  assert.deepEqual(state, { name: queue, messageCount: 0, consumerCount: 0 });
});

test("work queues: a rejected task is requeued at its place, or dropped", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const channel = await client.channel();
  for (const task of numbered("task", 3)) await channel.basicPublish("", queue, task, PERSISTENT);

  const first = await channel.basicGet(queue, { noAck: false });
  await first?.reject(true);
  const again = await channel.basicGet(queue, { noAck: false });
  assert.deepEqual([again?.bodyString(), again?.redelivered], ["task 0", true]);
  await again?.reject(false);
  const second = await channel.basicGet(queue, { noAck: true });
  assert.deepEqual([second?.bodyString(), second?.messageCount], ["task 1", 1]);
});

test("work queues: a queue cannot be declared again with other properties", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "tasks", { durable: true });
  const channel = await connection.channel();
  const text = /PRECONDITION_FAILED - inequivalent arg 'durable' for queue .* received 'false' but current is 'true'/;
  await assert.rejects(channel.queueDeclare(queue, { durable: false }), text);
});
