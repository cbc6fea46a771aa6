import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, fill } from "../support/queues.ts";

methodTest("[basic.recover-async/requeue] redelivers without recover-ok", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await consume(client, queue);
  await deliveredBodies(client, 2);
  client.send(1, "basic.recover-async", { requeue: true });
  for (const body of ["a", "b"]) {
    const delivery = await client.expectContent(1, "basic.deliver");
    assert.deepEqual([delivery.body.toString(), delivery.args.redelivered], [body, true]);
  }
});

methodTest("[basic.recover-async] requeue=false is 540 requeue=false", async (broker) => {
  const client = await broker.channel();
  client.send(1, "basic.recover-async", { requeue: false });
  await client.expectConnectionClose(540, "NOT_IMPLEMENTED - requeue=false", 60, 100);
  await client.expectEnd();
});
