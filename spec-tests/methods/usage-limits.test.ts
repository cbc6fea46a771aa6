import assert from "node:assert/strict";
import { type HandshakeOptions, sendOpen } from "../support/handshake.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareQueue } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { eventually } from "../support/waiting.ts";

const ADMINISTERS = { administers: true };
const INSIDE = { leveretOnly: "looks at the counts inside" };

/** Waits until a connection that was closed counts no more, which RabbitMQ notices a little later. */
async function connectSoon(broker: BrokerUnderTest, options: HandshakeOptions): Promise<RawClient> {
  let client: RawClient | undefined;
  await eventually("a connection is let in again", async () => {
    client = await broker.connect(options).catch(() => undefined);
    return client !== undefined;
  });
  return client as RawClient;
}

methodTest(
  "[limits/vhost] one connection more than max-connections is 530 connection limit (N) is reached",
  async (broker) => {
    const vhost = await broker.newVhost();
    const { administration } = broker;
    const expectRefusal = async (limit: number): Promise<void> => {
      const client = await broker.rawClient();
      await sendOpen(client, { vhost });
      const text = `NOT_ALLOWED - access to vhost '${vhost}' refused for user 'guest': connection limit (${limit}) is reached`;
      await client.expectConnectionClose(530, text, 10, 40);
      await client.expectEnd();
    };
    await administration.setVhostLimit(vhost, "max-connections", 1);
    const first = await broker.connect({ vhost });
    await expectRefusal(1);
    await first.close();
    const third = await connectSoon(broker, { vhost });
    await administration.setVhostLimit(vhost, "max-connections", 0);
    await third.call(1, "channel.open");
    await expectRefusal(0);
    await administration.setVhostLimit(vhost, "max-connections", -1);
    await broker.connect({ vhost });
  },
  ADMINISTERS,
);

methodTest(
  "[limits/user] one connection more than max-connections is 530 user connection limit (N) is reached",
  async (broker) => {
    const user = await userOf(broker, "/");
    await broker.administration.setUserLimit(user, "max-connections", 1);
    await broker.connect({ username: user, password: user });
    const second = await broker.rawClient();
    await sendOpen(second, { username: user, password: user });
    const text = `NOT_ALLOWED - connection refused for user '${user}': user connection limit (1) is reached`;
    await second.expectConnectionClose(530, text, 10, 40);
    await broker.connect();
  },
  ADMINISTERS,
);

methodTest(
  "[limits] a virtual host's limit is told before a user's, and both before missing rights",
  async (broker) => {
    const { administration } = broker;
    const [vhost, user] = [await broker.newVhost(), await broker.newUser()];
    await administration.setVhostLimit(vhost, "max-connections", 0);
    await administration.setUserLimit(user, "max-connections", 0);
    const expectRefusal = async (ending: string): Promise<void> => {
      const client = await broker.rawClient();
      await sendOpen(client, { username: user, password: user, vhost });
      await client.expectConnectionClose(530, `NOT_ALLOWED - ${ending}`, 10, 40);
    };
    const noAccess = `access to vhost '${vhost}' refused for user '${user}'`;
    await expectRefusal(`${noAccess}: connection limit (0) is reached`);
    await administration.setVhostLimit(vhost, "max-connections", -1);
    await expectRefusal(`connection refused for user '${user}': user connection limit (0) is reached`);
    await administration.setUserLimit(user, "max-connections", -1);
    await expectRefusal(noAccess);
  },
  ADMINISTERS,
);

/** A new user with all permissions in the virtual host. */
async function userOf(broker: BrokerUnderTest, vhost: string): Promise<string> {
  const user = await broker.newUser();
  await broker.administration.setPermissions(vhost, user, { configure: ".*", write: ".*", read: ".*" });
  return user;
}

methodTest(
  "[limits/user] one channel more than max-channels, on all connections together, is 530",
  async (broker) => {
    const user = await userOf(broker, "/");
    const options = { username: user, password: user };
    await broker.administration.setUserLimit(user, "max-channels", 2);
    const one = await broker.channel(options);
    const other = await broker.channel(options);
    other.send(2, "channel.open");
    const text = `NOT_ALLOWED - number of channels opened for user '${user}' has reached the maximum allowed user limit of 2`;
    await other.expectConnectionClose(530, text, 0, 0);
    await one.call(1, "access.request");
  },
  ADMINISTERS,
);

methodTest(
  "[limits/user] channels of a connection that has ended, and closed ones, make room",
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
    const vhost = await broker.newVhost();
    const { administration } = broker;
    await administration.setVhostLimit(vhost, "max-queues", 1);
    const client = await broker.channel({ vhost });
    const queue = await declareQueue(broker, client);
    await declareQueue(broker, client, { queue });
    const second = broker.name("second");
    client.send(1, "queue.declare", { queue: second });
    const text = `PRECONDITION_FAILED - cannot declare queue '${second}': queue limit in vhost '${vhost}' (1) is reached`;
    await client.expectChannelClose(1, 406, text, 50, 10);
    await client.call(1, "channel.open");
    await administration.setVhostLimit(vhost, "max-queues", 2);
    await declareQueue(broker, client, { queue: second });
    await administration.setVhostLimit(vhost, "max-queues", 0);
    await declareQueue(broker, client, { queue: second });
  },
  ADMINISTERS,
);
