import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { handshake } from "../../support/handshake.ts";
import { drain, expectReady } from "../../support/queues.ts";
import { RawClient } from "../../support/raw-client.ts";
import { startTestBroker } from "../../support/test-broker.ts";

const TTL_MILLISECONDS = 500;

test("[tx.commit/expiration] a message's time begins with the commit, as in RabbitMQ", async () => {
  const clock = new ManualClock();
  const broker = startTestBroker({ clock });
  const client = new RawClient(broker.connect());
  await handshake(client);
  await client.call(1, "channel.open");
  const table = tableFrom({ "x-message-ttl": TTL_MILLISECONDS });
  await client.call(1, "queue.declare", { queue: "ttl", arguments: table });
  await client.call(1, "queue.declare", { queue: "own" });
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: "ttl" }, "a");
  client.publish(1, { routingKey: "own" }, "b", { expiration: String(TTL_MILLISECONDS) });
  await client.call(1, "queue.declare", { queue: "own", passive: true });
  clock.advance(TTL_MILLISECONDS);
  await client.call(1, "tx.commit");
  clock.advance(TTL_MILLISECONDS - 1);
  await expectReady(client, "own", 1);
  assert.deepEqual(await drain(client, "ttl"), ["a"]);
  clock.advance(1);
  await expectReady(client, "own", 0);
  await broker.close();
});
