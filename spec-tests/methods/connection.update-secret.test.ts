import assert from "node:assert/strict";
import { expectTune } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies } from "../support/queues.ts";
import { expectWaiting } from "../support/waiting.ts";

methodTest(
  "[connection.update-secret] is answered with update-secret-ok, and the connection goes on",
  async (broker) => {
    const client = await broker.channel();
    await client.call(0, "connection.update-secret", { newSecret: Buffer.from("guest"), reason: "renewal" });
    await client.call(1, "access.request");
  },
);

methodTest(
  "[connection.update-secret] looks at permissions anew: consumers end that may not read, and without the virtual host all",
  async (broker) => {
    const { administration } = broker;
    const user = await broker.newUser();
    await administration.setPermissions("/", user, { configure: ".*", write: ".*", read: ".*" });
    const client = await broker.channel({ username: user, password: user });
    const [lost, kept] = [await declareQueue(broker, client), await declareQueue(broker, client)];
    await consume(client, lost, { consumerTag: "lost" });
    await consume(client, kept, { consumerTag: "kept" });
    await administration.setPermissions("/", user, { configure: ".*", write: ".*", read: kept });
    client.publish(1, { routingKey: lost }, "before");
    assert.deepEqual(await deliveredBodies(client, 1), ["before"]);
    const secret = { newSecret: Buffer.from("any"), reason: "renewal" };
    await client.call(0, "connection.update-secret", secret);
    await expectWaiting(client, "basic.cancel", 1);
    assert.deepEqual(await client.expect(1, "basic.cancel"), { consumerTag: "lost", noWait: true });
    assert.equal((await client.call(1, "queue.declare", { queue: lost, passive: true })).consumerCount, 0);
    client.publish(1, { routingKey: kept }, "after");
    assert.deepEqual(await deliveredBodies(client, 1), ["after"]);
    await administration.clearPermissions("/", user);
    client.send(0, "connection.update-secret", secret);
    const text = `NOT_ALLOWED - access to vhost '/' refused for user '${user}'`;
    await client.expectConnectionClose(530, text, 10, 70);
  },
  { administers: true, sinceRabbitmq: "4.3" },
);

methodTest(
  "[connection.update-secret] before the connection is open is 504",
  async (broker) => {
    const client = await broker.rawClient();
    await expectTune(client);
    client.send(0, "connection.update-secret", { newSecret: Buffer.from("guest"), reason: "renewal" });
    await client.expectConnectionClose(504, /^CHANNEL_ERROR - /, 10, 70);
  },
  { leveretOnly: "RabbitMQ closes the socket without a word" },
);

methodTest("[connection.update-secret] on a channel is 503 unimplemented method", async (broker) => {
  const client = await broker.channel();
  client.send(1, "connection.update-secret", { newSecret: Buffer.from("guest"), reason: "renewal" });
  await client.expectConnectionClose(503, "COMMAND_INVALID - unimplemented method", 10, 70);
});
