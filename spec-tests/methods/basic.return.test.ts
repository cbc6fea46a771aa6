import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, expectReady } from "../support/queues.ts";

methodTest("[basic.return] a mandatory message without a queue comes back with 312 NO_ROUTE", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "topic");
  const properties = { contentType: "text/plain", headers: tableFrom({ a: "b" }), deliveryMode: 2 };
  client.publish(1, { exchange, routingKey: "no.one", mandatory: true }, "hello", properties);
  const returned = await client.expectContent(1, "basic.return");
  assert.deepEqual(returned.args, { replyCode: 312, replyText: "NO_ROUTE", exchange, routingKey: "no.one" });
  assert.deepEqual(returned.properties, properties);
  assert.equal(returned.body.toString(), "hello");
});

methodTest("[basic.return] also from the default exchange", async (broker) => {
  const client = await broker.channel();
  const routingKey = broker.name("nowhere");
  client.publish(1, { routingKey, mandatory: true });
  const { args } = await client.expectContent(1, "basic.return");
  assert.deepEqual(args, { replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey });
});

methodTest("[basic.return] comes before the confirm", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: broker.name("nowhere"), mandatory: true });
  await client.expectContent(1, "basic.return");
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
});

methodTest("[basic.return] a body of several frames comes back whole", async (broker) => {
  const client = await broker.channel({ frameMax: 8192 });
  const body = Buffer.alloc(30_000, "abc");
  client.publish(1, { routingKey: broker.name("nowhere"), mandatory: true }, body);
  assert.ok((await client.expectContent(1, "basic.return")).body.equals(body));
});

methodTest("[basic.return] a routed mandatory message is not returned", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue, mandatory: true });
  await expectReady(client, queue, 1);
  await client.expectNothing(1);
});

methodTest(
  "[basic.return/alternate-exchange] one that routes suppresses the return, one that does not, does not",
  async (broker) => {
    const client = await broker.channel();
    const alternate = await declareExchange(broker, client, "fanout");
    const exchange = await declareExchange(broker, client, "direct", tableFrom({ "alternate-exchange": alternate }));
    client.publish(1, { exchange, routingKey: "key", mandatory: true });
    assert.equal((await client.expectContent(1, "basic.return")).args.exchange, exchange);
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange: alternate });
    client.publish(1, { exchange, routingKey: "key", mandatory: true });
    await expectReady(client, queue, 1);
    await client.expectNothing(1);
  },
);

for (const method of ["basic.return", "basic.deliver"] as const) {
  methodTest(`[${method}] from the client is 503 unimplemented method`, async (broker) => {
    const client = await broker.channel();
    client.send(1, method);
    client.sendContent(1, "");
    const methodId = method === "basic.return" ? 50 : 60;
    await client.expectConnectionClose(503, "COMMAND_INVALID - unimplemented method", 60, methodId);
  });
}
