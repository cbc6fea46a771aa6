import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue } from "../support/queues.ts";

methodTest("[exchange.delete] deletes the exchange and its bindings", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  await client.call(1, "exchange.delete", { exchange });
  await client.call(1, "exchange.declare", { exchange, type: "direct" });
  await client.call(1, "exchange.delete", { exchange, ifUnused: true });
});

methodTest("[exchange.delete] a missing exchange is answered with delete-ok", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "exchange.delete", { exchange: broker.name("missing") });
  await client.call(1, "exchange.delete", { exchange: broker.name("missing"), ifUnused: true });
});

methodTest("[exchange.delete/no-wait] deletes without a reply", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  client.send(1, "exchange.delete", { exchange, noWait: true });
  client.send(1, "exchange.declare", { exchange, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 40, 10);
});

methodTest("[exchange.delete/if-unused] an exchange that is a source is 406 in use", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  client.send(1, "exchange.delete", { exchange, ifUnused: true });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - exchange '${exchange}' in vhost '/' in use`, 40, 20);
});

methodTest("[exchange.delete/if-unused] a mere destination counts as unused", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client);
  const destination = await declareExchange(broker, client);
  await client.call(1, "exchange.bind", { source, destination, routingKey: "key" });
  await client.call(1, "exchange.delete", { exchange: destination, ifUnused: true });
  await client.call(1, "exchange.delete", { exchange: source, ifUnused: true });
});

methodTest("[exchange.delete] the default exchange is 403 operation not permitted", async (broker) => {
  const client = await broker.channel();
  client.send(1, "exchange.delete", { exchange: "" });
  await client.expectChannelClose(1, 403, "ACCESS_REFUSED - operation not permitted on the default exchange", 40, 20);
});

for (const exchange of ["amq.direct", "amq.not-there"]) {
  methodTest(`[exchange.delete/reserved] ${exchange} is 403 deletion of system exchange`, async (broker) => {
    const client = await broker.channel();
    client.send(1, "exchange.delete", { exchange });
    const text = `ACCESS_REFUSED - deletion of system exchange '${exchange}' in vhost '/' not allowed`;
    await client.expectChannelClose(1, 403, text, 40, 20);
  });
}

methodTest("[exchange.delete] deletes an auto-delete exchange that was bound only to it", async (broker) => {
  const client = await broker.channel();
  const source = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange: source, type: "direct", autoDelete: true });
  const destination = await declareExchange(broker, client);
  await client.call(1, "exchange.bind", { source, destination });
  await client.call(1, "exchange.delete", { exchange: destination });
  client.send(1, "exchange.declare", { exchange: source, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${source}' in vhost '/'`, 40, 10);
});

methodTest("[exchange.delete] publishing to the deleted exchange is 404", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  client.publish(1, { exchange, routingKey: "key" });
  await client.call(1, "exchange.delete", { exchange });
  client.publish(1, { exchange, routingKey: "key" });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 60, 40);
});
