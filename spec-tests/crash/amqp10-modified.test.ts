import assert from "node:assert/strict";
import { test } from "node:test";
import { connectTo, openReceiver, openSender, receive, send } from "../amqp10/test-client.ts";
import { startLeveret } from "../cli/leveret-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { withConnection } from "./inspection.ts";

const HISTORY = Array.from({ length: 200 }, (_, index) => `failed for reason ${index}`);

test("[crash/amqp10] after kill -9 a message has the annotations of its modified outcomes, and so has its dead letter", async (t) => {
  const args = ["--data-dir", temporaryDirectory(t)];
  const { leveret, url } = await startLeveret(t, args);
  await withConnection(url, async (connection) => {
    const channel = await connection.createChannel();
    await channel.assertQueue("grave", { durable: true });
    const deadLetters = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "grave" };
    for (const queue of ["kept", "dead"]) {
      await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum", ...deadLetters } });
    }
  });
  const client = await connectTo(Number(new URL(url).port));
  for (const queue of ["kept", "dead"]) {
    const sender = await openSender(client, `/queues/${queue}`);
    await send(sender, { body: queue, durable: true });
    const { delivery } = await receive(await openReceiver(client, `/queues/${queue}`));
    const annotations = { "x-opt-history": HISTORY };
    delivery?.modified({ undeliverable_here: queue === "dead", message_annotations: annotations } as never);
    // A confirm says that what came before is on disk. rhea sends the first of them before the outcome, the second after it.
    for (const body of ["before the outcome", "barrier"]) await send(sender, { body, durable: true });
  }
  leveret.signal("SIGKILL");
  await leveret.ended;
  const after = await connectTo(Number(new URL((await startLeveret(t, args)).url).port));
  t.after(() => after.close());
  for (const queue of ["kept", "grave"]) {
    const { message } = await receive(await openReceiver(after, `/queues/${queue}`));
    assert.deepEqual((message?.message_annotations as Record<string, unknown> | undefined)?.["x-opt-history"], HISTORY);
  }
});
