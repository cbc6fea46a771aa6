import assert from "node:assert/strict";
import { test } from "node:test";
import { type AsyncMessage, Connection, type ConsumerProps, ConsumerStatus } from "rabbitmq-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { createConsumer, createPublisher, declareQueue, openConnection } from "./connection.ts";

const url = await brokerUnderTest();

function consuming(queue: string, props: ConsumerProps = {}): ConsumerProps {
  return { queue, queueOptions: { passive: true }, ...props };
}

test("work queues: tasks are dealt to the workers in turn", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const [first, second] = [new Inbox<string>(), new Inbox<string>()];
  for (const inbox of [first, second]) {
    const worker = await openConnection(t, url);
    await createConsumer(t, worker, consuming(queue, { noAck: true }), (message) => inbox.put(message.body));
  }

  const publisher = createPublisher(t, client);
  for (const task of numbered("task", 10)) await publisher.send({ routingKey: queue, durable: true }, task);

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
  let finishSlowTask = (): void => undefined;
  for (const worker of [1, 2]) {
    const props = consuming(queue, { qos: { prefetchCount: 1 } });
    await createConsumer(t, await openConnection(t, url), props, async ({ body: task }) => {
      done.put({ worker, task });
      if (task !== "slow") return;
      await new Promise<void>((resolve) => {
        finishSlowTask = resolve;
      });
    });
  }

  const publisher = createPublisher(t, client);
  const quick = numbered("quick", 8);
  for (const task of ["slow", ...quick]) await publisher.send({ routingKey: queue, durable: true }, task);

  const tasks = await done.take(9);
  const busy = tasks.find(({ task }) => task === "slow")?.worker;
  const tasksOf = (isBusy: boolean): string[] =>
    tasks.filter(({ worker }) => (worker === busy) === isBusy).map(({ task }) => task);
  assert.deepEqual(tasksOf(true), ["slow"]);
  assert.deepEqual(tasksOf(false), quick);

  finishSlowTask();
  for (const task of ["next", "next"]) await publisher.send({ routingKey: queue, durable: true }, task);
  await done.take(2);
});

test("work queues: what a worker had not acknowledged when it died goes to another, in order", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const publisher = createPublisher(t, client);
  const tasks = numbered("task", 6);
  for (const task of tasks) await publisher.send({ routingKey: queue, durable: true }, task);

  const doomed = new Connection(url);
  const channel = await doomed.acquire();
  channel.on("error", () => undefined);
  const taken = new Inbox<AsyncMessage>();
  await channel.basicConsume({ queue }, (message) => taken.put(message));
  const messages = await taken.take(6);
  channel.basicAck({ deliveryTag: messages[1]?.deliveryTag as number, multiple: true });
  await channel.basicQos({ prefetchCount: 0 });
  doomed.unsafeDestroy();

  const inbox = new Inbox<{ task: string; redelivered: boolean }>();
  await createConsumer(t, client, consuming(queue), ({ body: task, redelivered }) => inbox.put({ task, redelivered }));
  const expected = tasks.slice(2).map((task) => ({ task, redelivered: true }));
  assert.deepEqual(await inbox.take(4), expected);
});

test("work queues: acknowledged tasks do not come back when the worker leaves", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const publisher = createPublisher(t, client);
  for (const task of numbered("task", 5)) await publisher.send({ routingKey: queue, durable: true }, task);

  const inbox = new Inbox<string>();
  const worker = await createConsumer(t, client, consuming(queue), (message) => inbox.put(message.body));
  assert.deepEqual(await inbox.take(5), numbered("task", 5));
  await worker.close();

  const state = await client.queueDeclare({ queue, passive: true });
  assert.deepEqual({ ...state }, { queue, messageCount: 0, consumerCount: 0 });
});

test("work queues: a rejected task is requeued at its place, or dropped", async (t) => {
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "tasks");
  const publisher = createPublisher(t, client, { confirm: true });
  for (const task of numbered("task", 3)) await publisher.send({ routingKey: queue, durable: true }, task);

  const inbox = new Inbox<string>();
  const answers = [ConsumerStatus.REQUEUE, ConsumerStatus.DROP, ConsumerStatus.ACK, ConsumerStatus.ACK];
  const props = consuming(queue, { qos: { prefetchCount: 1 } });
  const worker = await createConsumer(t, client, props, ({ body, redelivered }) => {
    inbox.put(`${body}${redelivered ? " again" : ""}`);
    return answers.shift();
  });
  assert.deepEqual(await inbox.take(4), ["task 0", "task 0 again", "task 1", "task 2"]);
  await worker.close();
  const { acknowledged, dropped, requeued } = worker.stats;
  assert.deepEqual({ acknowledged, dropped, requeued }, { acknowledged: 2, dropped: 1, requeued: 1 });
  assert.equal((await client.queueDeclare({ queue, passive: true })).messageCount, 0);
});

test("work queues: a queue cannot be declared again with other properties", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "tasks");
  const channel = await connection.acquire();
  channel.on("error", () => undefined);
  await assert.rejects(channel.queueDeclare({ queue, durable: false }), {
    code: "PRECONDITION_FAILED",
    message: /inequivalent arg 'durable' for queue .* received 'false' but current is 'true'/,
  });
});
