import assert from "node:assert/strict";
import type { QueueType } from "../../src/core/queue-type.ts";
import type { Vhost } from "../../src/core/vhost.ts";
import { NO_METADATA } from "../../src/core/vhost-metadata.ts";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareSharedQueue } from "../support/queues.ts";

const INSIDE = { leveretOnly: "sets the default queue type from inside" };

function setDefault(broker: BrokerUnderTest, defaultQueueType: QueueType | undefined): Vhost {
  const vhost = broker.inside.findVhost("/") as Vhost;
  broker.inside.updateVhost(vhost, { ...NO_METADATA, defaultQueueType });
  return vhost;
}

methodTest(
  "[queue.declare/default-queue-type] is for queues that ask for no type and can have it; others are classic",
  async (broker) => {
    const vhost = setDefault(broker, "quorum");
    const client = await broker.channel();
    const declared = async (args: Parameters<typeof declareSharedQueue>[2]) => {
      const queue = vhost.requireQueue(await declareSharedQueue(broker, client, args));
      return [queue.type, queue.arguments.get("x-queue-type")?.value];
    };
    assert.deepEqual(await declared({ durable: true }), ["quorum", "quorum"]);
    const classic = tableFrom({ "x-queue-type": "classic" });
    assert.deepEqual(await declared({ durable: true, arguments: classic }), ["classic", "classic"]);
    assert.deepEqual(await declared({ durable: false }), ["classic", "classic"]);
    assert.deepEqual(await declared({ durable: true, exclusive: true }), ["classic", "classic"]);
    assert.deepEqual(await declared({ durable: true, autoDelete: true }), ["classic", "classic"]);
    setDefault(broker, undefined);
    assert.deepEqual(await declared({ durable: true }), ["classic", undefined]);
  },
  INSIDE,
);

methodTest(
  "[queue.declare/default-queue-type] a queue is declared again by the type it has got",
  async (broker) => {
    setDefault(broker, "quorum");
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client, { durable: true });
    await declareSharedQueue(broker, client, { queue, durable: true });
    const quorum = tableFrom({ "x-queue-type": "quorum" });
    await declareSharedQueue(broker, client, { queue, durable: true, arguments: quorum });
    setDefault(broker, "classic");
    client.send(1, "queue.declare", { queue, durable: true });
    const text =
      `PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '${queue}' in vhost '/': ` +
      "received 'classic' but current is 'quorum'";
    await client.expectChannelClose(1, 406, text, 50, 10);
  },
  INSIDE,
);
