import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { serveConnection } from "../../src/amqp091/connection.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import type { ServedConnection } from "../../src/lib/served-connection.ts";
import { OpenSockets } from "../../src/transport/open-sockets.ts";
import { SocketListener, type TcpEndpoint } from "../../src/transport/socket-listener.ts";
import { HEARTBEAT_FRAME } from "../../src/wire/frame.ts";
import { type HandshakeOptions, handshake } from "../support/handshake.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareSharedQueue, expectReady } from "../support/queues.ts";
import { RawClient } from "../support/raw-client.ts";
import { LOCAL_PEER, startTestBroker } from "../support/test-broker.ts";

const RAISES_ALARMS = { leveretOnly: "raises alarms from inside the broker" };

interface BlockedClient {
  readonly client: RawClient;
  readonly connection: ServedConnection;
}

/** A client that is blocked because it has published to `queue`, and the broker's side of its connection. */
async function blockedClient(
  broker: BrokerUnderTest,
  queue = "nowhere",
  options: HandshakeOptions = {},
): Promise<BlockedClient> {
  const [stream, serverEnd] = duplexPair();
  const connection = serveConnection(broker.inside, serverEnd, LOCAL_PEER);
  const client = new RawClient(stream);
  await handshake(client, options);
  await client.call(1, "channel.open");
  broker.inside.alarms.raise("memory");
  client.publish(1, { routingKey: queue }, "trigger");
  await client.expect(0, "connection.blocked");
  return { client, connection };
}

/** Advances the clock in steps, with a turn of the event loop after each. */
async function pass(clock: ManualClock, seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 4; step++) {
    clock.advance(250);
    await nextTurn();
  }
}

methodTest(
  "[alarms/heartbeat] a blocked client is sent heartbeats, and is not dropped because its own are not read",
  async (broker) => {
    const { client } = await blockedClient(broker, "nowhere", { heartbeat: 10 });
    await pass(broker.clock, 300);
    assert(client.heartbeatCount > 50, `${client.heartbeatCount} heartbeats`);
    assert.equal(client.ended, false);
    broker.inside.alarms.clear("memory");
    await client.expect(0, "connection.unblocked");
    await client.call(1, "access.request");
  },
  RAISES_ALARMS,
);

methodTest(
  "[alarms/heartbeat] from the end of the alarm on, silence counts again",
  async (broker) => {
    const { client } = await blockedClient(broker, "nowhere", { heartbeat: 10 });
    await pass(broker.clock, 300);
    broker.inside.alarms.clear("memory");
    await client.expect(0, "connection.unblocked");
    await pass(broker.clock, 15);
    assert.equal(client.ended, false);
    client.write(HEARTBEAT_FRAME);
    await pass(broker.clock, 15);
    assert.equal(client.ended, false);
    await pass(broker.clock, 16);
    await client.expectEnd();
  },
  RAISES_ALARMS,
);

methodTest(
  "[alarms/close] a blocked client is closed by the broker, and what it sent before is not taken any more",
  async (broker) => {
    const observer = await broker.channel();
    const queue = await declareSharedQueue(broker, observer);
    const { client, connection } = await blockedClient(broker, queue);
    client.publish(1, { routingKey: queue }, "later");
    connection.close("shutdown");
    await client.expectConnectionClose(320, "CONNECTION_FORCED - shutdown", 0, 0);
    await client.expectEnd();
    await connection.closed;
    broker.inside.alarms.clear("memory");
    await expectReady(observer, queue, 1);
  },
  RAISES_ALARMS,
);

methodTest(
  "[alarms/close] a blocked client that closes gets its answer when the alarm is cleared",
  async (broker) => {
    const { client, connection } = await blockedClient(broker);
    client.send(0, "connection.close", { replyCode: 200, replyText: "OK" });
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    assert.deepEqual(client.waiting(0), []);
    broker.inside.alarms.clear("memory");
    await client.expect(0, "connection.unblocked");
    await client.expect(0, "connection.close-ok");
    client.end();
    await connection.closed;
  },
  RAISES_ALARMS,
);

methodTest(
  "[alarms/close] nothing of a blocked connection is left behind when it has gone",
  async (broker) => {
    const { alarms } = broker.inside;
    const listening = new Set<() => void>();
    const [listen, forget] = [alarms.listen.bind(alarms), alarms.forget.bind(alarms)];
    alarms.listen = (listener) => {
      listening.add(listener);
      listen(listener);
    };
    alarms.forget = (listener) => {
      listening.delete(listener);
      forget(listener);
    };
    const { client, connection } = await blockedClient(broker);
    assert.equal(listening.size, 1);
    connection.close("shutdown");
    await client.expectConnectionClose(320, "CONNECTION_FORCED - shutdown", 0, 0);
    await connection.closed;
    assert.equal(listening.size, 0);

    await blockedClient(broker);
    assert.equal(listening.size, 1);
    alarms.clear("memory");
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    assert.equal(listening.size, 0);
  },
  RAISES_ALARMS,
);

test("[alarms/gone] a blocked client whose socket has gone is found out by the heartbeats sent to it", async (context) => {
  const clock = new ManualClock();
  const { broker, close } = startTestBroker({ clock });
  const connections: ServedConnection[] = [];
  const sockets = new OpenSockets(10, silentLogger);
  const listener = await SocketListener.open({
    endpoint: { host: "127.0.0.1", port: 0 },
    sockets,
    logger: silentLogger,
    onConnection: (stream, peer) => connections.push(serveConnection(broker, stream, peer)),
  });
  context.after(async () => {
    listener.stop();
    sockets.destroyAll();
    await close();
  });
  const socket = connect(listener.endpoint as TcpEndpoint);
  const client = new RawClient(socket);
  await once(socket, "connect");
  await handshake(client, { heartbeat: 10 });
  await client.call(1, "channel.open");
  broker.alarms.raise("memory");
  client.publish(1, { routingKey: "nowhere" }, "a");
  await client.expect(0, "connection.blocked");
  socket.destroy();
  let isGone = false;
  void connections[0]?.closed.then(() => (isGone = true));
  for (let second = 0; second < 1000 && !isGone; second++) await pass(clock, 1);
  assert.equal(isGone, true);
  assert.equal(broker.connectionCount, 0);
});
