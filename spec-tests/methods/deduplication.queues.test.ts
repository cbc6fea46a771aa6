import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import { type Arguments, HEADER, keyed, publishConfirmed, rule, TYPE } from "../support/deduplication.ts";
import type { BrokerUnderTest } from "../support/method-test.ts";
import { declareQueue, drain, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

/** A queue without duplicates. */
function declareUnique(broker: BrokerUnderTest, client: RawClient, table: Arguments = {}): Promise<string> {
  return declareQueue(broker, client, { arguments: tableFrom({ [TYPE]: true, ...table }) });
}

rule(
  "[queue/x-message-deduplication] a message stays out while one of its key is there, unacknowledged included",
  async (broker, client) => {
    const queue = await declareUnique(broker, client);
    const send = (body: string): void => client.publish(1, { routingKey: queue }, body, keyed("1"));
    send("a");
    send("b");
    client.publish(1, { routingKey: queue }, "other", keyed("2"));
    client.publish(1, { routingKey: queue }, "none");
    await expectReady(client, queue, 3);
    const taken = await client.get(1, { queue });
    assert.equal(taken?.body.toString(), "a");
    send("c");
    await expectReady(client, queue, 2);
    client.send(1, "basic.nack", { deliveryTag: taken?.args.deliveryTag ?? 0, requeue: true });
    send("d");
    await expectReady(client, queue, 3);
    const again = await client.get(1, { queue });
    client.send(1, "basic.ack", { deliveryTag: again?.args.deliveryTag ?? 0 });
    send("e");
    await expectReady(client, queue, 3);
    assert.deepEqual(await drain(client, queue), ["other", "none", "e"]);
  },
);

rule(
  "[queue/x-message-deduplication] a message that is delivered without acknowledgement has left",
  async (broker, client) => {
    const queue = await declareUnique(broker, client);
    await client.call(1, "basic.consume", { queue, noAck: true });
    for (const body of ["a", "b"]) {
      client.publish(1, { routingKey: queue }, body, keyed("1"));
      assert.equal((await client.find(1, "basic.deliver")).body.toString(), body);
    }
  },
);

rule(
  "[queue/x-message-deduplication] a key leaves with a message that expires, is dropped, rejected or purged",
  async (broker, client) => {
    const queue = await declareUnique(broker, client, { "x-max-length": 1 });
    const send = (body: string, key: string, properties: Properties = {}): void =>
      client.publish(1, { routingKey: queue }, body, { ...keyed(key), ...properties });
    send("expires", "1", { expiration: "10" });
    await expectReady(client, queue, 1);
    broker.clock.advance(10);
    send("dropped", "1");
    await expectReady(client, queue, 1);
    send("displaces", "2");
    send("rejected", "1");
    const rejected = await client.get(1, { queue });
    assert.equal(rejected?.body.toString(), "rejected");
    client.send(1, "basic.reject", { deliveryTag: rejected?.args.deliveryTag ?? 0 });
    send("purged", "1");
    await expectReady(client, queue, 1);
    await client.call(1, "queue.purge", { queue });
    send("last", "1");
    await expectReady(client, queue, 1);
    assert.deepEqual(await drain(client, queue), ["last"]);
  },
);

rule(
  "[queue/x-message-deduplication] duplicates are confirmed; one that meets a full queue too",
  async (broker, client) => {
    const queue = await declareUnique(broker, client, { "x-max-length": 1, "x-overflow": "reject-publish" });
    await client.call(1, "confirm.select");
    await publishConfirmed(client, { routingKey: queue }, [
      ["a", keyed("1")],
      ["b", keyed("1")],
    ]);
    client.publish(1, { routingKey: queue }, "c", keyed("2"));
    await client.find(1, "basic.nack");
    assert.deepEqual(await drain(client, queue), ["a"]);
    await publishConfirmed(client, { routingKey: queue }, [["c", keyed("2")]]);
    assert.deepEqual(await drain(client, queue), ["c"]);
  },
);

for (const table of [{ "x-cache-size": 2 }, { "x-cache-ttl": 1000 }, { "x-cache-size": 2, "x-queue-type": "quorum" }]) {
  rule(
    `[queue/x-message-deduplication] with ${JSON.stringify(table)} a key outlives its message`,
    async (broker, client) => {
      const queue = await declareQueue(broker, client, {
        durable: true,
        exclusive: false,
        arguments: tableFrom({ [TYPE]: true, ...table }),
      });
      const send = (key: string): void => client.publish(1, { routingKey: queue }, key, keyed(key));
      send("1");
      await expectReady(client, queue, 1);
      assert.deepEqual(await drain(client, queue), ["1"]);
      send("1");
      await expectReady(client, queue, 0);
      if ("x-cache-ttl" in table) broker.clock.advance(1000);
      else for (const key of ["2", "3"]) send(key);
      send("1");
      await expectReady(client, queue, "x-cache-ttl" in table ? 1 : 3);
      await client.call(1, "queue.delete", { queue });
    },
  );
}

rule(
  "[queue/x-cache-size] a message that comes back from a retry queue is no duplicate of itself",
  async (broker, client) => {
    const queue = broker.name("work");
    const retry = await declareQueue(broker, client, {
      arguments: tableFrom({ "x-message-ttl": 100, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue }),
    });
    await declareQueue(broker, client, {
      queue,
      arguments: tableFrom({
        [TYPE]: true,
        "x-cache-size": 10,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": retry,
      }),
    });
    client.publish(1, { routingKey: queue }, "a", keyed("1"));
    for (let attempt = 1; attempt <= 3; attempt++) {
      await expectReady(client, queue, 1);
      const message = await client.get(1, { queue });
      client.send(1, "basic.reject", { deliveryTag: message?.args.deliveryTag ?? 0 });
      await expectReady(client, retry, 1);
      client.publish(1, { routingKey: queue }, "b", keyed("1"));
      await expectReady(client, queue, 0);
      broker.clock.advance(100);
    }
    await expectReady(client, queue, 1);
  },
);

rule(
  "[queue/x-delayed-message] a message that waits for its delay is in the queue, purged or not",
  async (broker, client) => {
    const queue = await declareUnique(broker, client, { "x-delayed-message": true });
    const send = (body: string, delay: number): void =>
      client.publish(1, { routingKey: queue }, body, keyed("1", { "x-delay": delay }));
    send("a", 1000);
    await client.call(1, "queue.purge", { queue });
    send("b", 0);
    await expectReady(client, queue, 0);
    broker.clock.advance(1000);
    await expectReady(client, queue, 1);
    assert.deepEqual(await drain(client, queue), ["a"]);
  },
);

rule("[queue/x-delayed-message] a message that waits for its delay is in the queue", async (broker, client) => {
  for (const table of [{}, { "x-cache-size": 10 }]) {
    const queue = await declareUnique(broker, client, { "x-delayed-message": true, ...table });
    const send = (body: string, delay: number): void =>
      client.publish(1, { routingKey: queue }, body, keyed("1", { "x-delay": delay }));
    send("a", 1000);
    send("b", 2000);
    send("c", 0);
    await expectReady(client, queue, 0);
    broker.clock.advance(2000);
    await expectReady(client, queue, 1);
    send("d", 0);
    await expectReady(client, queue, 1);
    assert.deepEqual(await drain(client, queue), ["a"]);
  }
});

rule("[queue/x-cache-size] copies that another queue has dead-lettered are duplicates", async (broker, client) => {
  const queue = await declareUnique(broker, client, { "x-cache-size": 10 });
  const waiting = await declareQueue(broker, client, {
    arguments: tableFrom({ "x-message-ttl": 100, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue }),
  });
  for (const body of ["a", "b"]) client.publish(1, { routingKey: waiting }, body, keyed("1"));
  await expectReady(client, waiting, 2);
  broker.clock.advance(100);
  await expectReady(client, queue, 1);
});

rule(
  "[queue/x-message-deduplication] without x-cache-size a message that dies may come straight back",
  async (broker, client) => {
    const queue = broker.name("circle");
    await declareQueue(broker, client, {
      queue,
      arguments: tableFrom({ [TYPE]: true, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue }),
    });
    client.publish(1, { routingKey: queue }, "a", keyed("1"));
    const message = await client.get(1, { queue });
    client.send(1, "basic.reject", { deliveryTag: message?.args.deliveryTag ?? 0 });
    await expectReady(client, queue, 1);
  },
);

for (const [table, argument, reason] of [
  [{ [TYPE]: "yes" }, TYPE, "{unacceptable_type,longstr}"],
  [{ "x-cache-size": 0 }, "x-cache-size", "{value_zero,0}"],
  [{ "x-cache-size": -5 }, "x-cache-size", "{value_negative,-5}"],
  [{ "x-cache-size": 10_000_001 }, "x-cache-size", "{max_value_exceeded,10000001}"],
  [{ "x-cache-ttl": "1" }, "x-cache-ttl", '"expected integer, got longstr"'],
  [{ "x-cache-persistence": "tape" }, "x-cache-persistence", "invalid_cache_persistence"],
  [{ [HEADER]: 5 }, HEADER, "{unacceptable_type,long}"],
  [{ "x-deduplication-property": "app-id" }, "x-deduplication-property", "\"unsupported property 'app-id'\""],
  [{ [HEADER]: "h", "x-deduplication-property": "message-id" }, HEADER, "header_and_property_are_mutually_exclusive"],
] as const) {
  rule(`[queue.declare/${argument}] ${JSON.stringify(table)} is 406`, async (broker, client) => {
    const queue = broker.name("q");
    client.send(1, "queue.declare", { queue, arguments: tableFrom(table as Arguments) });
    const text = `PRECONDITION_FAILED - invalid arg '${argument}' for queue '${queue}' in vhost '/': ${reason}`;
    await client.expectChannelClose(1, 406, text, 50, 10);
  });
}

rule("[queue.declare/x-message-deduplication] a stream has none", async (broker, client) => {
  const queue = broker.name("stream");
  const table = tableFrom({ "x-queue-type": "stream", [TYPE]: true });
  client.send(1, "queue.declare", { queue, durable: true, arguments: table });
  const text = `PRECONDITION_FAILED - invalid arg '${TYPE}' for queue '${queue}' in vhost '/' of queue type rabbit_stream_queue`;
  await client.expectChannelClose(1, 406, text, 50, 10);
});
