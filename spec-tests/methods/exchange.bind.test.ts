import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, expectReady } from "../support/queues.ts";

methodTest("[exchange.bind] messages flow from the source to the destination", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client, "topic");
  const destination = await declareExchange(broker, client, "fanout");
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange: destination });
  await client.call(1, "exchange.bind", { source, destination, routingKey: "a.*" });
  client.publish(1, { exchange: source, routingKey: "a.b" });
  client.publish(1, { exchange: source, routingKey: "b.a" });
  await expectReady(client, queue, 1);
  client.send(1, "basic.get", { queue });
  const { args } = await client.expectContent(1, "basic.get-ok");
  assert.deepEqual([args.exchange, args.routingKey], [source, "a.b"]);
});

methodTest("[exchange.bind] is idempotent", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client);
  const destination = await declareExchange(broker, client);
  await client.call(1, "exchange.bind", { source, destination, routingKey: "key" });
  await client.call(1, "exchange.bind", { source, destination, routingKey: "key" });
  await client.call(1, "exchange.unbind", { source, destination, routingKey: "key" });
  await client.call(1, "exchange.delete", { exchange: source, ifUnused: true });
});

methodTest("[exchange.bind/no-wait] binds without a reply", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client);
  const destination = await declareExchange(broker, client);
  client.send(1, "exchange.bind", { source, destination, noWait: true });
  client.send(1, "exchange.delete", { exchange: source, ifUnused: true });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - exchange '${source}' in vhost '/' in use`, 40, 20);
});

methodTest("[exchange.bind] cycles are allowed and each queue gets one copy", async (broker) => {
  const client = await broker.channel();
  const one = await declareExchange(broker, client, "fanout");
  const other = await declareExchange(broker, client, "fanout");
  const queue = await declareQueue(broker, client);
  await client.call(1, "exchange.bind", { source: one, destination: other });
  await client.call(1, "exchange.bind", { source: other, destination: one });
  await client.call(1, "exchange.bind", { source: one, destination: one });
  for (const exchange of [one, other]) await client.call(1, "queue.bind", { queue, exchange });
  client.publish(1, { exchange: one, routingKey: "" });
  await expectReady(client, queue, 1);
});

methodTest("[exchange.bind/arguments] the arguments are part of the binding", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client, "headers");
  const destination = await declareExchange(broker, client, "fanout");
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange: destination });
  await client.call(1, "exchange.bind", { source, destination, arguments: tableFrom({ color: "red" }) });
  client.publish(1, { exchange: source, routingKey: "" }, "", { headers: tableFrom({ color: "red" }) });
  client.publish(1, { exchange: source, routingKey: "" }, "", { headers: tableFrom({ color: "blue" }) });
  await expectReady(client, queue, 1);
});

for (const missing of ["source", "destination"]) {
  methodTest(`[exchange.bind] a missing ${missing} is 404 no exchange 'x' in vhost '/'`, async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client);
    const nowhere = broker.name("missing");
    client.send(1, "exchange.bind", { source: exchange, destination: exchange, [missing]: nowhere });
    await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${nowhere}' in vhost '/'`, 40, 30);
  });

  methodTest(`[exchange.bind] the default exchange as ${missing} is 403`, async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client);
    client.send(1, "exchange.bind", { source: exchange, destination: exchange, [missing]: "" });
    const text = "ACCESS_REFUSED - operation not permitted on the default exchange";
    await client.expectChannelClose(1, 403, text, 40, 30);
  });
}
