import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, expectReady, lockedText } from "../support/queues.ts";

methodTest("[queue.unbind] messages no longer flow to the queue", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  for (const routingKey of ["a", "b"]) await client.call(1, "queue.bind", { queue, exchange, routingKey });
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "a" });
  client.publish(1, { exchange, routingKey: "a" });
  client.publish(1, { exchange, routingKey: "b" });
  await expectReady(client, queue, 1);
});

methodTest("[queue.unbind] of a missing binding, queue or exchange is answered with unbind-ok", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  const missing = broker.name("missing");
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "none" });
  await client.call(1, "queue.unbind", { queue: missing, exchange, routingKey: "none" });
  await client.call(1, "queue.unbind", { queue, exchange: missing, routingKey: "none" });
  await client.call(1, "queue.unbind", { queue: missing, exchange: missing });
});

methodTest("[queue.unbind/identity] another key or other arguments leave the binding alone", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "headers");
  const queue = await declareQueue(broker, client);
  const red = tableFrom({ color: "red" });
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key", arguments: red });
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "key" });
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "other", arguments: red });
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "key", arguments: tableFrom({ color: "blue" }) });
  client.publish(1, { exchange, routingKey: "" }, "", { headers: red });
  await expectReady(client, queue, 1);
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "key", arguments: red });
  await client.call(1, "exchange.delete", { exchange, ifUnused: true });
});

methodTest(
  "[queue.unbind/last-declared] empty queue and empty key stand for the queue declared last",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client);
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange, routingKey: queue });
    await client.call(1, "queue.unbind", { queue: "", exchange, routingKey: "" });
    await client.call(1, "exchange.delete", { exchange, ifUnused: true });
  },
);

methodTest("[queue.unbind/last-declared] with none declared is 404 no previously declared queue", async (broker) => {
  const client = await broker.channel();
  client.send(1, "queue.unbind", { queue: "", exchange: "amq.direct", routingKey: "key" });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no previously declared queue", 50, 50);
});

methodTest("[queue.unbind] from the default exchange is 403 operation not permitted", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.send(1, "queue.unbind", { queue, exchange: "", routingKey: queue });
  await client.expectChannelClose(1, 403, "ACCESS_REFUSED - operation not permitted on the default exchange", 50, 50);
});

methodTest("[queue.unbind/exclusive] another connection's queue is 405", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  await owner.call(1, "queue.bind", { queue, exchange: "amq.direct", routingKey: queue });
  other.send(1, "queue.unbind", { queue, exchange: "amq.direct", routingKey: queue });
  await other.expectChannelClose(1, 405, lockedText(queue), 50, 50);
});
