import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, expectReady } from "../support/queues.ts";

methodTest("[exchange.unbind] unbind-ok is method 51 and messages no longer flow", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client);
  const destination = await declareExchange(broker, client, "fanout");
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange: destination });
  await client.call(1, "exchange.bind", { source, destination, routingKey: "key" });
  await client.call(1, "exchange.unbind", { source, destination, routingKey: "key" });
  assert.deepEqual(client.frames.at(-1)?.payload, Buffer.from([0, 40, 0, 51]));
  client.publish(1, { exchange: source, routingKey: "key" });
  await expectReady(client, queue, 0);
});

methodTest("[exchange.unbind/no-wait] unbinds without a reply", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client);
  const destination = await declareExchange(broker, client);
  await client.call(1, "exchange.bind", { source, destination });
  client.send(1, "exchange.unbind", { source, destination, noWait: true });
  await client.call(1, "exchange.delete", { exchange: source, ifUnused: true });
});

methodTest(
  "[exchange.unbind] of a missing binding, source or destination is answered with unbind-ok",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client);
    const missing = broker.name("missing");
    await client.call(1, "exchange.unbind", { source: exchange, destination: exchange, routingKey: "none" });
    await client.call(1, "exchange.unbind", { source: missing, destination: exchange });
    await client.call(1, "exchange.unbind", { source: exchange, destination: missing });
    await client.call(1, "exchange.unbind", { source: missing, destination: missing });
  },
);

methodTest("[exchange.unbind/identity] another key or other arguments leave the binding alone", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client);
  const destination = await declareExchange(broker, client);
  await client.call(1, "exchange.bind", { source, destination, routingKey: "key" });
  await client.call(1, "exchange.unbind", { source, destination, routingKey: "other" });
  await client.call(1, "exchange.unbind", { source, destination, routingKey: "key", arguments: tableFrom({ a: 1 }) });
  client.send(1, "exchange.delete", { exchange: source, ifUnused: true });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - exchange '${source}' in vhost '/' in use`, 40, 20);
});

methodTest("[exchange.unbind/auto-delete] the source goes with its last binding", async (broker) => {
  const client = await broker.channel();
  const source = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange: source, type: "direct", autoDelete: true });
  const destination = await declareExchange(broker, client);
  await client.call(1, "exchange.bind", { source, destination });
  await client.call(1, "exchange.unbind", { source, destination });
  client.send(1, "exchange.declare", { exchange: source, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${source}' in vhost '/'`, 40, 10);
});

for (const side of ["source", "destination"]) {
  methodTest(`[exchange.unbind] the default exchange as ${side} is 403`, async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client);
    client.send(1, "exchange.unbind", { source: exchange, destination: exchange, [side]: "" });
    const text = "ACCESS_REFUSED - operation not permitted on the default exchange";
    await client.expectChannelClose(1, 403, text, 40, 40);
  });
}
