import assert from "node:assert/strict";
import { once } from "node:events";
import { serveConnection } from "../../src/amqp091/connection.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { HEARTBEAT_FRAME } from "../../src/wire/frame.ts";
import { handshake } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, declareSharedQueue, fill } from "../support/queues.ts";
import { RawClient } from "../support/raw-client.ts";
import { LOCAL_PEER } from "../support/test-broker.ts";

const STEPS_THE_CLOCK = { leveretOnly: "steps the clock" };

/** Advances the broker's clock in steps, giving the streams a turn of the event loop after each. */
async function pass(broker: { clock: { advance(milliseconds: number): void } }, seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 4; step++) {
    broker.clock.advance(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

methodTest(
  "[heartbeat] the broker sends one every half interval in which it sends nothing else",
  async (broker) => {
    const client = await broker.channel({ heartbeat: 10 });
    await pass(broker, 10);
    await client.expectHeartbeats(1);
    const before = client.heartbeatCount;
    for (let round = 1; round <= 3; round++) {
      client.write(HEARTBEAT_FRAME);
      await pass(broker, 5);
      await client.expectHeartbeats(before + round);
    }
    assert.equal(client.heartbeatCount, before + 3);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] is a frame of type 8 on channel 0 without payload",
  async (broker) => {
    const client = await broker.connect({ heartbeat: 10 });
    await pass(broker, 10);
    await client.expectHeartbeats(1);
    const frame = client.frames.at(-1);
    assert.deepEqual([frame?.type, frame?.channel, frame?.payload.length], [8, 0, 0]);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] the client's value wins over the broker's offer of 60",
  async (broker) => {
    const client = await broker.connect({ heartbeat: 200 });
    await pass(broker, 90);
    assert.equal(client.heartbeatCount, 0);
    await pass(broker, 110);
    await client.expectHeartbeats(1);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] 0 disables them both ways",
  async (broker) => {
    const client = await broker.channel({ heartbeat: 0 });
    for (let hour = 0; hour < 24; hour++) broker.clock.advance(3_600_000);
    await client.call(1, "access.request");
    assert.equal(client.heartbeatCount, 0);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] a client that stays silent is dropped after 2 to 3 intervals, without a close",
  async (broker) => {
    const client = await broker.connect({ heartbeat: 10 });
    await pass(broker, 19);
    assert.equal(client.ended, false);
    await pass(broker, 12);
    await client.expectEnd();
    assert.deepEqual(client.waiting(0), []);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] heartbeats keep the connection alive",
  async (broker) => {
    const client = await broker.channel({ heartbeat: 10 });
    for (let round = 0; round < 12; round++) {
      await pass(broker, 5);
      client.write(HEARTBEAT_FRAME);
    }
    await client.call(1, "access.request");
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] any other octet received counts as well",
  async (broker) => {
    const client = await broker.channel({ heartbeat: 10 });
    for (let round = 0; round < 12; round++) {
      await pass(broker, 5);
      await client.call(1, "access.request");
    }
    client.write(Buffer.from([1, 0, 1]));
    await pass(broker, 15);
    client.write(Buffer.from([0, 0, 0]));
    await pass(broker, 15);
    assert.equal(client.ended, false);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] what a dropped client held goes back to its queue",
  async (broker) => {
    const silent = await broker.channel({ heartbeat: 10 });
    const other = await broker.channel();
    const queue = await declareSharedQueue(broker, other);
    const exclusive = await declareQueue(broker, silent);
    await fill(other, queue, ["a"]);
    await silent.get(1, { queue });
    await pass(broker, 31);
    await silent.expectEnd();
    assert.equal((await other.get(1, { queue }))?.args.redelivered, true);
    other.send(1, "queue.declare", { queue: exclusive, passive: true });
    await other.expectChannelClose(1, 404, `NOT_FOUND - no queue '${exclusive}' in vhost '/'`, 50, 10);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] the broker leaves no timer behind for a connection that is closed",
  async (broker) => {
    const client = await broker.connect({ heartbeat: 10 });
    const before = broker.clock.pendingCount;
    const other = await broker.connect({ heartbeat: 10 });
    await other.close();
    await other.expectEnd();
    await pass(broker, 31);
    assert.ok(broker.clock.pendingCount <= before);
    assert.equal(client.ended, true);
  },
  STEPS_THE_CLOCK,
);

methodTest(
  "[heartbeat] a client that takes nothing of a full outbox counts as silent; one that takes some does not",
  async (broker) => {
    const [stream, serverEnd] = duplexPair();
    serveConnection(broker.inside, serverEnd, LOCAL_PEER);
    const client = new RawClient(stream);
    await handshake(client, { heartbeat: 10 });
    await client.call(1, "channel.open");
    const queue = await declareSharedQueue(broker, client);
    await fill(client, queue, new Array<string>(200).fill("x".repeat(10_000)));
    const gone = once(serverEnd, "close");
    stream.pause();
    client.send(1, "basic.consume", { queue, noAck: true });
    for (let interval = 0; interval < 4; interval++) {
      client.write(HEARTBEAT_FRAME);
      await pass(broker, 10);
      stream.read();
    }
    assert.equal(serverEnd.destroyed, false);
    for (let interval = 0; interval < 4; interval++) {
      client.write(HEARTBEAT_FRAME);
      await pass(broker, 10);
    }
    await gone;
  },
  { broker: { limits: { outboxBytesMax: 64 * 1024 } } },
);
