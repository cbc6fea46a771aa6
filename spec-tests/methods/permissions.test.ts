import { tableFrom } from "../../src/wire/field-table.ts";
import { sendOpen } from "../support/handshake.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareExchange, declareSharedQueue, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

const ADDS_USERS = { leveretOnly: "adds users to the broker" };

const USER = { username: "user", password: "secret" };

interface Patterns {
  readonly configure?: string;
  readonly write?: string;
  readonly read?: string;
}

/** A client of a user who may do only what the patterns match; nothing matches what is left out. */
async function restricted(broker: BrokerUnderTest, patterns: Patterns): Promise<RawClient> {
  const { users, permissions } = broker.inside;
  users.put(USER.username, { password: USER.password }, []);
  permissions.set({ vhost: "/", user: USER.username, configure: "", write: "", read: "", ...patterns });
  return broker.channel(USER);
}

function refused(access: string, kind: string, name: string): string {
  return `ACCESS_REFUSED - ${access} access to ${kind} '${name}' in vhost '/' refused for user 'user'`;
}

methodTest(
  "[permissions/connection.open] a user without permissions in the vhost is 530 access to vhost refused",
  async (broker) => {
    broker.inside.users.put(USER.username, { password: USER.password }, []);
    const client = await broker.rawClient();
    await sendOpen(client, USER);
    await client.expectConnectionClose(530, "NOT_ALLOWED - access to vhost '/' refused for user 'user'", 10, 40);
    await client.expectEnd();
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/connection.open] virtual hosts are apart from each other",
  async (broker) => {
    broker.inside.createVhost("other");
    broker.inside.permissions.set({ vhost: "other", user: "guest", configure: ".*", write: ".*", read: ".*" });
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client);
    const other = await broker.channel({ vhost: "other" });
    other.send(1, "queue.declare", { queue, passive: true });
    await other.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost 'other'`, 50, 10);
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/configure] declaring and deleting need it",
  async (broker) => {
    const client = await restricted(broker, { configure: "^mine-" });
    await client.call(1, "queue.declare", { queue: "mine-queue" });
    await client.call(1, "exchange.declare", { exchange: "mine-exchange", type: "direct" });
    const owner = await broker.channel();
    await owner.call(1, "queue.declare", { queue: "other" });
    const cases: readonly [send: () => void, kind: string, classId: number, methodId: number][] = [
      [() => client.send(1, "queue.declare", { queue: "other" }), "queue", 50, 10],
      [() => client.send(1, "queue.delete", { queue: "other" }), "queue", 50, 40],
      [() => client.send(1, "exchange.declare", { exchange: "other", type: "direct" }), "exchange", 40, 10],
      [() => client.send(1, "exchange.delete", { exchange: "other" }), "exchange", 40, 20],
    ];
    for (const [send, kind, classId, methodId] of cases) {
      send();
      await client.expectChannelClose(1, 403, refused("configure", kind, "other"), classId, methodId);
      await client.call(1, "channel.open");
    }
    await client.call(1, "queue.delete", { queue: "mine-queue" });
    await client.call(1, "exchange.delete", { exchange: "mine-exchange" });
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/passive] any one of the three is enough for a passive declare",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    for (const patterns of [{ configure: ".*" }, { write: ".*" }, { read: ".*" }]) {
      const client = await restricted(broker, patterns);
      await client.call(1, "queue.declare", { queue, passive: true });
    }
    const client = await restricted(broker, { read: "^something-else$" });
    client.send(1, "queue.declare", { queue, passive: true });
    await client.expectChannelClose(1, 403, /^ACCESS_REFUSED - .*refused for user 'user'$/, 50, 10);
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/bind] needs write on the destination and read on the source",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const exchange = await declareExchange(broker, owner);
    const cannotWrite = await restricted(broker, { read: ".*" });
    cannotWrite.send(1, "queue.bind", { queue, exchange });
    await cannotWrite.expectChannelClose(1, 403, refused("write", "queue", queue), 50, 20);
    const cannotRead = await restricted(broker, { write: ".*" });
    cannotRead.send(1, "queue.bind", { queue, exchange });
    await cannotRead.expectChannelClose(1, 403, refused("read", "exchange", exchange), 50, 20);
    const both = await restricted(broker, { write: ".*", read: ".*" });
    await both.call(1, "queue.bind", { queue, exchange });
    await both.call(1, "queue.unbind", { queue, exchange });
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/publish] needs write on the exchange; the default one is amq.default",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const client = await restricted(broker, { write: "^$" });
    client.publish(1, { routingKey: queue });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "amq.default"), 60, 40);
    await client.call(1, "channel.open");
    client.publish(1, { exchange: "amq.fanout", routingKey: queue });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "amq.fanout"), 60, 40);
    const writer = await restricted(broker, { write: "^amq.default$" });
    writer.publish(1, { routingKey: queue });
    await expectReady(owner, queue, 1);
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/read] get, consume and purge need it",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const client = await restricted(broker, { configure: ".*", write: ".*" });
    for (const [name, classId, methodId] of [
      ["basic.get", 60, 70],
      ["basic.consume", 60, 20],
      ["queue.purge", 50, 30],
    ] as const) {
      client.send(1, name, { queue });
      await client.expectChannelClose(1, 403, refused("read", "queue", queue), classId, methodId);
      await client.call(1, "channel.open");
    }
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/alternate-exchange] needs read on the exchange and write on the alternate",
  async (broker) => {
    const args = tableFrom({ "alternate-exchange": "amq.fanout" });
    const declare = { exchange: "x", type: "direct", arguments: args };
    const cannotWrite = await restricted(broker, { configure: ".*", read: ".*" });
    cannotWrite.send(1, "exchange.declare", declare);
    await cannotWrite.expectChannelClose(1, 403, refused("write", "exchange", "amq.fanout"), 40, 10);
    const cannotRead = await restricted(broker, { configure: ".*", write: ".*" });
    cannotRead.send(1, "exchange.declare", declare);
    await cannotRead.expectChannelClose(1, 403, refused("read", "exchange", "x"), 40, 10);
    const allowed = await restricted(broker, { configure: ".*", write: ".*", read: ".*" });
    await allowed.call(1, "exchange.declare", declare);
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/change] a permission taken away holds for the next publish of an open channel",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const client = await restricted(broker, { write: ".*" });
    client.publish(1, { routingKey: queue });
    await expectReady(owner, queue, 1);
    broker.inside.permissions.set({ vhost: "/", user: USER.username, configure: "", write: "", read: "" });
    client.publish(1, { routingKey: queue });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "amq.default"), 60, 40);
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/user-id] a user with the tag impersonator may set any user-id",
  async (broker) => {
    broker.inside.users.put("actor", { password: "secret" }, ["impersonator"]);
    broker.inside.permissions.set({ vhost: "/", user: "actor", configure: ".*", write: ".*", read: ".*" });
    const client = await broker.channel({ username: "actor", password: "secret" });
    const queue = await declareSharedQueue(broker, client);
    client.publish(1, { routingKey: queue }, "", { userId: "somebody" });
    await expectReady(client, queue, 1);
  },
  ADDS_USERS,
);

methodTest(
  "[permissions/write] without it a publisher is not told whether the exchange exists",
  async (broker) => {
    const client = await restricted(broker, { write: "^mine-" });
    client.publish(1, { exchange: "missing", routingKey: "key" });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "missing"), 60, 40);
  },
  ADDS_USERS,
);
