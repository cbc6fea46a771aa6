import assert from "node:assert/strict";
import { sendOpen } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue } from "../support/queues.ts";

const INSIDE = { leveretOnly: "sets limits from inside" };

methodTest(
  "[limits/vhost] one connection more than max-connections is 530 connection limit (N) is reached",
  async (broker) => {
    const limits = broker.inside.usage.vhosts;
    limits.update("/", { "max-connections": 1 });
    const first = await broker.connect();
    const second = await broker.rawClient();
    await sendOpen(second);
    const text = "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (1) is reached";
    await second.expectConnectionClose(530, text, 10, 40);
    await second.expectEnd();
    await first.close();
    const third = await broker.connect();
    limits.update("/", { "max-connections": 0 });
    await third.call(1, "channel.open");
    const fourth = await broker.rawClient();
    await sendOpen(fourth);
    await fourth.expectConnectionClose(530, /connection limit \(0\) is reached$/, 10, 40);
    limits.update("/", { "max-connections": -1 });
    await broker.connect();
  },
  INSIDE,
);

methodTest(
  "[limits/user] one connection more than max-connections is 530 user connection limit (N) is reached",
  async (broker) => {
    broker.inside.usage.users.update("guest", { "max-connections": 1 });
    await broker.connect();
    const second = await broker.rawClient();
    await sendOpen(second);
    const text = "NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached";
    await second.expectConnectionClose(530, text, 10, 40);
    const { users, permissions } = broker.inside;
    users.add("other", { password: "other" }, []);
    permissions.set({ vhost: "/", user: "other", configure: ".*", write: ".*", read: ".*" });
    await broker.connect({ username: "other", password: "other" });
  },
  INSIDE,
);

methodTest(
  "[limits] a virtual host's limit is told before a user's, and both before missing rights",
  async (broker) => {
    const { usage, users } = broker.inside;
    users.add("other", { password: "other" }, []);
    usage.vhosts.update("/", { "max-connections": 0 });
    usage.users.update("other", { "max-connections": 0 });
    const expectRefusal = async (text: RegExp) => {
      const client = await broker.rawClient();
      await sendOpen(client, { username: "other", password: "other" });
      await client.expectConnectionClose(530, text, 10, 40);
    };
    await expectRefusal(/'other': connection limit \(0\) is reached$/);
    usage.vhosts.clear("/");
    await expectRefusal(/user connection limit \(0\) is reached$/);
    usage.users.clear("other");
    await expectRefusal(/access to vhost '\/' refused for user 'other'$/);
  },
  INSIDE,
);

methodTest(
  "[limits/user] one channel more than max-channels, on all connections together, is 530",
  async (broker) => {
    const { usage } = broker.inside;
    usage.users.update("guest", { "max-channels": 2 });
    const one = await broker.channel();
    const other = await broker.channel();
    other.send(2, "channel.open");
    const text =
      "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum allowed user limit of 2";
    await other.expectConnectionClose(530, text, 0, 0);
    assert.equal(usage.userChannelCount("guest"), 1);
    await one.call(2, "channel.open");
    await one.call(2, "channel.close");
    await one.call(3, "channel.open");
    assert.equal(usage.userChannelCount("guest"), 2);
  },
  INSIDE,
);

methodTest(
  "[limits/user] a channel that has failed does not count, and is counted out once",
  async (broker) => {
    const { usage } = broker.inside;
    const client = await broker.channel();
    client.send(1, "queue.declare", { queue: broker.name("missing"), passive: true });
    await client.expectChannelClose(1, 404, /^NOT_FOUND/, 50, 10);
    assert.equal(usage.userChannelCount("guest"), 0);
    await client.call(1, "channel.open");
    assert.equal(usage.userChannelCount("guest"), 1);
    await client.close();
    assert.equal(usage.userChannelCount("guest"), 0);
    assert.equal(usage.userConnectionCount("guest"), 0);
  },
  INSIDE,
);

methodTest(
  "[limits] connections that are dropped count no more",
  async (broker) => {
    const { usage } = broker.inside;
    const client = await broker.channel();
    assert.equal(usage.vhostConnectionCount("/"), 1);
    client.destroy();
    for (let turn = 0; turn < 20 && usage.vhostConnectionCount("/") > 0; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual([usage.vhostConnectionCount("/"), usage.userChannelCount("guest")], [0, 0]);
  },
  INSIDE,
);

methodTest(
  "[limits/vhost] one queue more than max-queues is 406; those that are there can be declared again",
  async (broker) => {
    broker.inside.usage.vhosts.update("/", { "max-queues": 1 });
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await declareQueue(broker, client, { queue });
    const second = broker.name("second");
    client.send(1, "queue.declare", { queue: second });
    const text = `PRECONDITION_FAILED - cannot declare queue '${second}': queue limit in vhost '/' (1) is reached`;
    await client.expectChannelClose(1, 406, text, 50, 10);
    await client.call(1, "channel.open");
    broker.inside.usage.vhosts.update("/", { "max-queues": 2 });
    await declareQueue(broker, client, { queue: second });
    broker.inside.usage.vhosts.update("/", { "max-queues": 0 });
    await declareQueue(broker, client, { queue: second });
  },
  INSIDE,
);
