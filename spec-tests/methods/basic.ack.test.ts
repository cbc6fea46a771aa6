import assert from "node:assert/strict";
import { FRAME_METHOD } from "../../src/wire/frame.ts";
import type { BrokerUnderTest } from "../support/method-test.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, drain, fill } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

/** A client with the messages a, b and c delivered under the tags 1, 2 and 3, and the queue they are from. */
async function withThreeDelivered(broker: BrokerUnderTest): Promise<{ client: RawClient; queue: string }> {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await consume(client, queue);
  await deliveredBodies(client, 3);
  return { client, queue };
}

/** The messages that were still unacknowledged on channel 1. */
async function unacknowledged(client: RawClient, queue: string): Promise<string[]> {
  await client.call(1, "channel.close", { replyCode: 200 });
  await client.call(1, "channel.open");
  return drain(client, queue);
}

methodTest("[basic.ack] settles one delivery", async (broker) => {
  const { client, queue } = await withThreeDelivered(broker);
  client.send(1, "basic.ack", { deliveryTag: 2 });
  assert.deepEqual(await unacknowledged(client, queue), ["a", "c"]);
});

methodTest("[basic.ack/multiple] settles every delivery up to the tag", async (broker) => {
  const { client, queue } = await withThreeDelivered(broker);
  client.send(1, "basic.ack", { deliveryTag: 2, multiple: true });
  assert.deepEqual(await unacknowledged(client, queue), ["c"]);
});

methodTest("[basic.ack/multiple] tag 0 settles everything", async (broker) => {
  const { client, queue } = await withThreeDelivered(broker);
  client.send(1, "basic.ack", { deliveryTag: 0, multiple: true });
  assert.deepEqual(await unacknowledged(client, queue), []);
});

methodTest("[basic.ack/multiple] tag 0 with nothing to settle is no error", async (broker) => {
  const client = await broker.channel();
  client.send(1, "basic.ack", { deliveryTag: 0, multiple: true });
  await client.expectNothing(1);
});

methodTest("[basic.ack/multiple] passes over what is settled already", async (broker) => {
  const { client, queue } = await withThreeDelivered(broker);
  client.send(1, "basic.ack", { deliveryTag: 1 });
  client.send(1, "basic.ack", { deliveryTag: 3, multiple: true });
  assert.deepEqual(await unacknowledged(client, queue), []);
});

methodTest("[basic.ack] tags may be settled in any order", async (broker) => {
  const { client, queue } = await withThreeDelivered(broker);
  for (const deliveryTag of [3, 1, 2]) client.send(1, "basic.ack", { deliveryTag });
  assert.deepEqual(await unacknowledged(client, queue), []);
});

for (const [deliveryTag, multiple] of [
  [0, false],
  [4, false],
  [4, true],
  [82, false],
] as const) {
  methodTest(
    `[basic.ack] tag ${deliveryTag}, multiple=${multiple}, of 3 deliveries is 406 unknown delivery tag`,
    async (broker) => {
      const { client } = await withThreeDelivered(broker);
      client.send(1, "basic.ack", { deliveryTag, multiple });
      await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - unknown delivery tag ${deliveryTag}`, 60, 80);
    },
  );
}

for (const [method, methodId, tail] of [
  ["basic.ack", 80, 0],
  ["basic.nack", 120, 0],
  ["basic.reject", 90, 0],
  ["basic.ack", 80, 1],
] as const) {
  methodTest(
    `[${method}] the largest tag there can be, multiple=${tail === 1}, is 406 unknown delivery tag`,
    async (broker) => {
      const { client } = await withThreeDelivered(broker);
      client.sendFrame(FRAME_METHOD, 1, Buffer.from([0, 60, 0, methodId, ...Buffer.alloc(8, 0xff), tail]));
      await client.expectChannelClose(
        1,
        406,
        /^PRECONDITION_FAILED - unknown delivery tag 184467440737095\d{5}$/,
        60,
        methodId,
      );
    },
  );
}

methodTest("[basic.ack] the same tag twice is 406 unknown delivery tag", async (broker) => {
  const { client } = await withThreeDelivered(broker);
  client.send(1, "basic.ack", { deliveryTag: 2 });
  client.send(1, "basic.ack", { deliveryTag: 2 });
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - unknown delivery tag 2", 60, 80);
});

methodTest("[basic.ack] a tag belongs to its channel", async (broker) => {
  const { client } = await withThreeDelivered(broker);
  await client.call(2, "channel.open");
  client.send(2, "basic.ack", { deliveryTag: 1 });
  await client.expectChannelClose(2, 406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80);
});

methodTest("[basic.ack] of a no-ack delivery is 406 unknown delivery tag", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await consume(client, queue, { noAck: true });
  await deliveredBodies(client, 1);
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80);
});
