import { tableFrom } from "../../src/wire/field-table.ts";
import type { Patterns } from "../support/administration.ts";
import { sendOpen } from "../support/handshake.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareExchange, declareSharedQueue, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

const ADMINISTERS = { administers: true };

/** A client of a user who may not do everything. */
interface Restricted {
  readonly client: RawClient;
  readonly user: string;
  /** The text of 403 for the user. */
  readonly refused: (access: string, kind: string, name: string) => string;
}

/** A client of a new user who may do only what the patterns match. */
async function restricted(broker: BrokerUnderTest, patterns: Patterns): Promise<Restricted> {
  const user = await broker.newUser();
  await broker.administration.setPermissions("/", user, patterns);
  return {
    client: await broker.channel({ username: user, password: user }),
    user,
    refused: (access, kind, name) =>
      `ACCESS_REFUSED - ${access} access to ${kind} '${name}' in vhost '/' refused for user '${user}'`,
  };
}

methodTest(
  "[permissions/connection.open] a user without permissions in the vhost is 530 access to vhost refused",
  async (broker) => {
    const user = await broker.newUser();
    const client = await broker.rawClient();
    await sendOpen(client, { username: user, password: user });
    await client.expectConnectionClose(530, `NOT_ALLOWED - access to vhost '/' refused for user '${user}'`, 10, 40);
    await client.expectEnd();
  },
  ADMINISTERS,
);

methodTest(
  "[permissions/connection.open] virtual hosts are apart from each other",
  async (broker) => {
    const vhost = await broker.newVhost();
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client);
    const other = await broker.channel({ vhost });
    other.send(1, "queue.declare", { queue, passive: true });
    await other.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '${vhost}'`, 50, 10);
  },
  ADMINISTERS,
);

methodTest(
  "[permissions/configure] declaring and deleting need it",
  async (broker) => {
    const { client, refused } = await restricted(broker, { configure: "^mine-" });
    const [queue, exchange, other] = [broker.name("mine-queue"), broker.name("mine-exchange"), broker.name("other")];
    await client.call(1, "queue.declare", { queue });
    await client.call(1, "exchange.declare", { exchange, type: "direct" });
    const owner = await broker.channel();
    await owner.call(1, "queue.declare", { queue: other });
    const cases: readonly [send: () => void, kind: string, classId: number, methodId: number][] = [
      [() => client.send(1, "queue.declare", { queue: other }), "queue", 50, 10],
      [() => client.send(1, "queue.delete", { queue: other }), "queue", 50, 40],
      [() => client.send(1, "exchange.declare", { exchange: other, type: "direct" }), "exchange", 40, 10],
      [() => client.send(1, "exchange.delete", { exchange: other }), "exchange", 40, 20],
    ];
    for (const [send, kind, classId, methodId] of cases) {
      send();
      await client.expectChannelClose(1, 403, refused("configure", kind, other), classId, methodId);
      await client.call(1, "channel.open");
    }
    await client.call(1, "queue.delete", { queue });
    await client.call(1, "exchange.delete", { exchange });
  },
  ADMINISTERS,
);

methodTest(
  "[permissions/passive] any one of the three is enough for a passive declare",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    for (const patterns of [{ configure: ".*" }, { write: ".*" }, { read: ".*" }]) {
      const { client } = await restricted(broker, patterns);
      await client.call(1, "queue.declare", { queue, passive: true });
    }
    const { client, user } = await restricted(broker, { read: "^something-else$" });
    client.send(1, "queue.declare", { queue, passive: true });
    await client.expectChannelClose(1, 403, new RegExp(`^ACCESS_REFUSED - .*refused for user '${user}'$`), 50, 10);
  },
  ADMINISTERS,
);

methodTest(
  "[permissions/bind] needs write on the destination and read on the source",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const exchange = await declareExchange(broker, owner);
    const cannotWrite = await restricted(broker, { read: ".*" });
    cannotWrite.client.send(1, "queue.bind", { queue, exchange });
    await cannotWrite.client.expectChannelClose(1, 403, cannotWrite.refused("write", "queue", queue), 50, 20);
    const cannotRead = await restricted(broker, { write: ".*" });
    cannotRead.client.send(1, "queue.bind", { queue, exchange });
    await cannotRead.client.expectChannelClose(1, 403, cannotRead.refused("read", "exchange", exchange), 50, 20);
    const { client: both } = await restricted(broker, { write: ".*", read: ".*" });
    await both.call(1, "queue.bind", { queue, exchange });
    await both.call(1, "queue.unbind", { queue, exchange });
  },
  ADMINISTERS,
);

methodTest(
  "[permissions/publish] needs write on the exchange; the default one is amq.default",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const { client, refused } = await restricted(broker, { write: "^$" });
    client.publish(1, { routingKey: queue });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "amq.default"), 60, 40);
    await client.call(1, "channel.open");
    client.publish(1, { exchange: "amq.fanout", routingKey: queue });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "amq.fanout"), 60, 40);
    const { client: writer } = await restricted(broker, { write: "^amq.default$" });
    writer.publish(1, { routingKey: queue });
    await expectReady(owner, queue, 1);
  },
  ADMINISTERS,
);

methodTest(
  "[permissions/read] get, consume and purge need it",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const { client, refused } = await restricted(broker, { configure: ".*", write: ".*" });
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
  ADMINISTERS,
);

methodTest(
  "[permissions/alternate-exchange] needs read on the exchange and write on the alternate",
  async (broker) => {
    const args = tableFrom({ "alternate-exchange": "amq.fanout" });
    const exchange = broker.name("exchange");
    const declare = { exchange, type: "direct", arguments: args };
    const cannotWrite = await restricted(broker, { configure: ".*", read: ".*" });
    cannotWrite.client.send(1, "exchange.declare", declare);
    await cannotWrite.client.expectChannelClose(1, 403, cannotWrite.refused("write", "exchange", "amq.fanout"), 40, 10);
    const cannotRead = await restricted(broker, { configure: ".*", write: ".*" });
    cannotRead.client.send(1, "exchange.declare", declare);
    await cannotRead.client.expectChannelClose(1, 403, cannotRead.refused("read", "exchange", exchange), 40, 10);
    const { client: allowed } = await restricted(broker, { configure: ".*", write: ".*", read: ".*" });
    await allowed.call(1, "exchange.declare", declare);
  },
  ADMINISTERS,
);

methodTest(
  "[permissions/change] a permission taken away holds for the next publish of an open channel",
  async (broker) => {
    const owner = await broker.channel();
    const queue = await declareSharedQueue(broker, owner);
    const { client, user, refused } = await restricted(broker, { write: ".*" });
    client.publish(1, { routingKey: queue });
    await expectReady(owner, queue, 1);
    await broker.administration.setPermissions("/", user, {});
    client.publish(1, { routingKey: queue });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "amq.default"), 60, 40);
  },
  { leveretOnly: "RabbitMQ remembers for some time what a channel was permitted" },
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
  { leveretOnly: "sets a tag from inside" },
);

methodTest(
  "[permissions/write] without it a publisher is not told whether the exchange exists",
  async (broker) => {
    const { client, refused } = await restricted(broker, { write: "^mine-" });
    client.publish(1, { exchange: "missing", routingKey: "key" });
    await client.expectChannelClose(1, 403, refused("write", "exchange", "missing"), 60, 40);
  },
  ADMINISTERS,
);
