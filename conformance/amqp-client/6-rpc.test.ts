import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { cleanUp } from "../support/clean-up.ts";
import { fibonacci } from "../support/scenarios.ts";
import { uniqueName } from "../support/unique-name.ts";
import { declareQueue, openConnection, openSession } from "./connection.ts";

const url = await brokerUnderTest();
const NUMBERS = Array.from({ length: 15 }, (_, n) => n);

test("rpc: replies come to the caller's own callback queue and are told apart by correlation id", async (t) => {
  const server = await (await openConnection(t, url)).channel();
  const client = await openConnection(t, url);
  const queue = await declareQueue(t, client, "rpc");
  await server.basicQos(1);
  await server.basicConsume(queue, { noAck: false }, async (request) => {
    const { replyTo, correlationId } = request.properties;
    assert.ok(replyTo !== undefined && correlationId !== undefined);
    await server.basicPublish("", replyTo, String(fibonacci(Number(request.bodyString()))), { correlationId });
    await request.ack();
  });

  const channel = await client.channel();
  const { name: replyTo } = await channel.queueDeclare("", { exclusive: true });
  const waiting = new Map<string | undefined, (answer: number) => void>();
  await channel.basicConsume(replyTo, { noAck: true }, (reply) => {
    waiting.get(reply.properties.correlationId)?.(Number(reply.bodyString()));
  });
  const call = (n: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const correlationId = randomUUID();
      waiting.set(correlationId, resolve);
      channel.basicPublish("", queue, String(n), { correlationId, replyTo }).catch(reject);
    });

  assert.deepEqual(await Promise.all(NUMBERS.map(call)), NUMBERS.map(fibonacci));
});

test("rpc: direct reply-to needs no callback queue", async (t) => {
  const server = await openSession(t, url);
  const client = await openSession(t, url);
  const name = uniqueName("rpc");
  const queue = await server.queue(name);
  cleanUp(t, () => queue.delete());
  const replyTos = new Set<string | undefined>();
  await server.rpcServer(name, (request) => {
    replyTos.add(request.properties.replyTo);
    return String(fibonacci(Number(request.bodyString())));
  });

  const rpc = await client.rpcClient();
  const replies = await Promise.all(NUMBERS.map((n) => rpc.call(name, String(n), { timeout: 10_000 })));
  assert.deepEqual(
    replies.map((reply) => Number(reply.bodyString())),
    NUMBERS.map(fibonacci),
  );
  const single = await client.rpcCall(name, "10", { timeout: 10_000 });
  assert.equal(single.bodyString(), "55");
  for (const replyTo of replyTos) assert.match(replyTo ?? "", /^amq\.rabbitmq\.reply-to\../);
});
