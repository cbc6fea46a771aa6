// @ts-check
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { useBroker } from "leveret";
import { startOrders } from "../src/orders.js";

const broker = useBroker({ beforeAll, afterEach, afterAll });

test("orders become invoices", async () => {
  const app = await startOrders(broker().url, ({ items }) => items * 10);
  const channel = await broker().openChannel();
  for (const id of [1, 2, 3]) await channel.publish("shop", "order.new", JSON.stringify({ id, items: id }));
  const invoices = await broker().waitForPublished(3, { routingKey: "invoice.new" });
  expect(invoices.map(({ body }) => JSON.parse(body.toString()).amount)).toEqual([10, 20, 30]);
  await broker().waitForMessages("orders", 0);
  await app.stop();
});

test("the application does not start without a login", async () => {
  broker().faults.refuseLogins();
  await expect(startOrders(broker().url, () => 0)).rejects.toThrow("ACCESS_REFUSED");
});
