// @ts-check
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { ManualClock, useBroker } from "leveret";
import { startOrders } from "../src/orders.js";

const broker = useBroker({ before, afterEach, after }, { clock: new ManualClock() });
const order = Buffer.from(JSON.stringify({ id: 7, items: 2 }));

test("an order becomes an invoice", async () => {
  const app = await startOrders(broker().url, ({ items }) => items * 10);
  const channel = await broker().openChannel();
  await channel.publish("shop", "order.new", order, { persistent: true });
  const [invoice] = await broker().waitForPublished(1, { exchange: "shop", routingKey: "invoice.new" });
  assert.deepEqual(JSON.parse(invoice.body.toString()), { order: 7, amount: 20 });
  assert.equal(invoice.properties.persistent, true);
  await broker().waitForMessages("orders", 0);
  await app.stop();
});

test("an order that fails is tried again a minute later, three times in all, and then kept", async () => {
  let attempts = 0;
  const app = await startOrders(broker().url, () => {
    attempts++;
    throw new Error("no price");
  });
  const channel = await broker().openChannel();
  await channel.publish("shop", "order.new", order);
  await broker().waitForMessages("orders-retry", 1);
  await broker().advance(59_999);
  assert.equal(attempts, 1);
  for (let minute = 0; minute < 2; minute++) {
    await broker().waitForMessages("orders-retry", 1);
    await broker().advance(60_000);
    await broker().waitForMessages("orders-retry", minute === 0 ? 1 : 0);
  }
  await broker().waitForMessages("orders-failed", 1);
  assert.equal(attempts, 3);
  await app.stop();
});

test("an order is not acknowledged before its invoice is safe", async () => {
  const app = await startOrders(broker().url, () => 10);
  const channel = await broker().openChannel();
  await channel.declareQueue("invoices");
  await channel.bindQueue("invoices", "shop", "invoice.*");
  broker().faults.holdConfirms();
  const published = channel.publish("shop", "order.new", order);
  await broker().waitForMessages("invoices", 1);
  await broker().settled();
  assert.equal(broker().queue("orders")?.unackedCount, 1);
  broker().faults.confirmNormally();
  await published;
  await broker().waitForMessages("orders", 0);
  await app.stop();
});
