import { tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareQueue } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

const ADMINISTERS = { administers: true };

/** A client in a virtual host whose default queue type is quorum. */
async function quorumByDefault(broker: BrokerUnderTest): Promise<{ client: RawClient; vhost: string }> {
  const vhost = await broker.newVhost("quorum");
  return { client: await broker.channel({ vhost }), vhost };
}

function typed(type: string) {
  return tableFrom({ "x-queue-type": type });
}

for (const [properties, type] of [
  [{ durable: true }, "quorum"],
  [{ durable: true, arguments: typed("classic") }, "classic"],
  [{ durable: false }, "classic"],
  [{ durable: true, exclusive: true }, "classic"],
] as const) {
  methodTest(
    `[queue.declare/default-queue-type] quorum: ${JSON.stringify({ ...properties, arguments: "arguments" in properties })} is ${type}`,
    async (broker) => {
      const { client } = await quorumByDefault(broker);
      const declared = { exclusive: false, ...properties };
      const queue = await declareQueue(broker, client, declared);
      await declareQueue(broker, client, { ...declared, queue });
      await declareQueue(broker, client, { ...declared, queue, arguments: typed(type) });
    },
    ADMINISTERS,
  );
}

methodTest(
  "[queue.declare/default-queue-type] a queue is not equal to one of another type",
  async (broker) => {
    const { client, vhost } = await quorumByDefault(broker);
    const queue = await declareQueue(broker, client, { durable: true, exclusive: false });
    client.send(1, "queue.declare", { queue, durable: true, arguments: typed("classic") });
    const text =
      `PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '${queue}' in vhost '${vhost}': ` +
      "received 'classic' but current is 'quorum'";
    await client.expectChannelClose(1, 406, text, 50, 10);
  },
  ADMINISTERS,
);

methodTest(
  "[queue.declare/default-queue-type] an auto-delete queue is a classic one, whatever the default",
  async (broker) => {
    const { client } = await quorumByDefault(broker);
    const declared = { durable: true, exclusive: false, autoDelete: true };
    const queue = await declareQueue(broker, client, declared);
    await declareQueue(broker, client, { ...declared, queue, arguments: typed("classic") });
  },
  ADMINISTERS,
);
