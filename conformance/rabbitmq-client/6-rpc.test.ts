import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { cleanUp } from "../support/clean-up.ts";
import { fibonacci } from "../support/scenarios.ts";
import { createConsumer, createPublisher, declareQueue, openConnection } from "./connection.ts";

const url = await brokerUnderTest();
const NUMBERS = Array.from({ length: 15 }, (_, n) => n);

test("rpc: replies come to the caller's own callback queue and are told apart by correlation id", async (t) => {
  const server = await openConnection(t, url);
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, server, "rpc");
  const serving = { queue, qos: { prefetchCount: 1 }, queueOptions: { passive: true } };
  await createConsumer(t, server, serving, (request, reply) => reply(String(fibonacci(Number(request.body)))));

  const waiting = new Map<string | undefined, (answer: number) => void>();
  const callback = { noAck: true, queueOptions: { exclusive: true } };
  const { queue: replyTo } = await createConsumer(t, client, callback, (reply) => {
    waiting.get(reply.correlationId)?.(Number(reply.body));
  });
  const publisher = createPublisher(t, client);
  const call = (n: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const correlationId = randomUUID();
      waiting.set(correlationId, resolve);
      publisher.send({ routingKey: queue, correlationId, replyTo }, String(n)).catch(reject);
    });

  assert.deepEqual(await Promise.all(NUMBERS.map(call)), NUMBERS.map(fibonacci));
});

test("rpc: direct reply-to needs no callback queue", async (t) => {
  const server = await openConnection(t, url);
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, server, "rpc");
  const replyTos = new Set<string | undefined>();
  await createConsumer(t, server, { queue, queueOptions: { passive: true } }, async (request, reply) => {
    replyTos.add(request.replyTo);
    await reply(String(fibonacci(Number(request.body))));
  });

  const rpc = client.createRPCClient({ confirm: true });
  cleanUp(t, () => rpc.close());
  const answers = await Promise.all(NUMBERS.map(async (n) => Number((await rpc.send(queue, String(n))).body)));

  assert.deepEqual(answers, NUMBERS.map(fibonacci));
  for (const replyTo of replyTos) assert.match(replyTo ?? "", /^amq\.rabbitmq\.reply-to\../);
});
