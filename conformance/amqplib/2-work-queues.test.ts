import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConsumeMessage, connect } from "amqplib";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { Link } from "../support/link.ts";
import { numbered } from "../support/scenarios.ts";
import { declareQueue, openConnection, text } from "./connection.ts";

const url = await brokerUnderTest();
const PERSISTENT = { persistent: true };

test("work queues: tasks are dealt to the workers in turn", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const [first, second] = [new Inbox<string>(), new Inbox<string>()];
  for (const inbox of [first, second]) {
    const worker = await (await openConnection(t, url)).createChannel();
    await worker.consume(queue, (message) => inbox.put(text(message)), { noAck: true });
  }

  const channel = await client.createChannel();
  for (const task of numbered("task", 10)) channel.sendToQueue(queue, Buffer.from(task), PERSISTENT);

  const received = [await first.take(5), await second.take(5)].sort();
  assert.deepEqual(received, [
    ["task 0", "task 2", "task 4", "task 6", "task 8"],
    ["task 1", "task 3", "task 5", "task 7", "task 9"],
  ]);
});

test("work queues: with prefetch 1 a busy worker gets nothing more and the other gets the rest", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const done = new Inbox<{ worker: number; task: string }>();
  let finishSlowTask: (() => void) | undefined;
  for (const worker of [1, 2]) {
    const channel = await (await openConnection(t, url)).createChannel();
    await channel.prefetch(1);
    await channel.consume(queue, (message) => {
      if (message === null) return;
      done.put({ worker, task: text(message) });
      const finish = (): void => channel.ack(message);
      if (text(message) === "slow") finishSlowTask = finish;
      else finish();
    });
  }

  const channel = await client.createChannel();
  const quick = numbered("quick", 8);
  for (const task of ["slow", ...quick]) channel.sendToQueue(queue, Buffer.from(task), PERSISTENT);

  const tasks = await done.take(9);
  const busy = tasks.find(({ task }) => task === "slow")?.worker;
  const tasksOf = (isBusy: boolean): string[] =>
    tasks.filter(({ worker }) => (worker === busy) === isBusy).map(({ task }) => task);
  assert.deepEqual(tasksOf(true), ["slow"]);
  assert.deepEqual(tasksOf(false), quick);

  finishSlowTask?.();
  for (const task of ["next", "next"]) channel.sendToQueue(queue, Buffer.from(task), PERSISTENT);
  await done.take(2);
});

test("work queues: what a worker had not acknowledged when it died goes to another, in order", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const channel = await client.createChannel();
  const tasks = numbered("task", 6);
  for (const task of tasks) channel.sendToQueue(queue, Buffer.from(task), PERSISTENT);

  const link = await Link.open(t, url);
  const doomedConnection = await connect(link.url);
  doomedConnection.on("error", () => undefined);
  const doomed = await doomedConnection.createChannel();
  const taken = new Inbox<ConsumeMessage | null>();
  await doomed.consume(queue, (message) => taken.put(message));
  const messages = await taken.take(6);
  doomed.ack(messages[1] as ConsumeMessage, true);
  await doomed.checkQueue(queue);
  link.cut();

  const worker = await client.createChannel();
  const inbox = new Inbox<{ task: string; redelivered: boolean }>();
  await worker.consume(queue, (message) => {
    if (message === null) return;
    inbox.put({ task: text(message), redelivered: message.fields.redelivered });
    worker.ack(message);
  });
  const expected = tasks.slice(2).map((task) => ({ task, redelivered: true }));
  assert.deepEqual(await inbox.take(4), expected);
});

test("work queues: acknowledged tasks do not come back when the worker leaves", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const channel = await client.createChannel();
  for (const task of numbered("task", 5)) channel.sendToQueue(queue, Buffer.from(task), PERSISTENT);

  const worker = await client.createChannel();
  const inbox = new Inbox<string>();
  await worker.consume(queue, (message) => {
    if (message === null) return;
    inbox.put(text(message));
    worker.ack(message);
  });
  assert.deepEqual(await inbox.take(5), numbered("task", 5));
  await worker.close();

  assert.deepEqual(await channel.checkQueue(queue), { queue, messageCount: 0, consumerCount: 0 });
});

test("work queues: a rejected task is requeued at its place, or dropped", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const channel = await client.createChannel();
  for (const task of numbered("task", 3)) channel.sendToQueue(queue, Buffer.from(task), PERSISTENT);
  await channel.checkQueue(queue);

  const first = await channel.get(queue);
  assert.ok(first !== false);
  channel.nack(first, false, true);
  const again = await channel.get(queue);
  assert.ok(again !== false);
  assert.deepEqual([again.content.toString(), again.fields.redelivered], ["task 0", true]);
  channel.nack(again, false, false);
  const second = await channel.get(queue, { noAck: true });
  assert.ok(second !== false);
  assert.deepEqual([second.content.toString(), second.fields.messageCount], ["task 1", 1]);
});

test("work queues: a queue cannot be declared again with other properties", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "tasks", { durable: true });
  const channel = await connection.createChannel();
  const closed = new Promise<Error>((resolve) => channel.once("error", resolve));

  await assert.rejects(channel.assertQueue(queue, { durable: false }), /PRECONDITION_FAILED/);

  const { message } = await closed;
  assert.match(
    message,
    /406 \(PRECONDITION-FAILED\).*inequivalent arg 'durable' for queue .* received 'false' but current is 'true'/,
  );
});
