import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import type { RawClient } from "../support/raw-client.ts";
import { deadLettersTo, declareTyped, getSoon } from "../support/waiting.ts";

/** What is done to a message that has been got, and whether that counts as a failure of the consumer. */
const STEPS = {
  "basic.reject": { fails: true, act: (client, deliveryTag) => client.send(1, "basic.reject", { deliveryTag }) },
  "basic.nack": { fails: false, act: (client, deliveryTag) => client.send(1, "basic.nack", { deliveryTag }) },
  "basic.reject/requeue": {
    fails: true,
    act: (client, deliveryTag) => client.send(1, "basic.reject", { deliveryTag, requeue: true }),
  },
  "basic.nack/requeue": {
    fails: false,
    act: (client, deliveryTag) => client.send(1, "basic.nack", { deliveryTag, requeue: true }),
  },
  "basic.recover": {
    fails: false,
    act: async (client) => {
      await client.call(1, "basic.recover", { requeue: true });
    },
  },
  "channel.close": {
    fails: true,
    act: async (client) => {
      await client.call(1, "channel.close", { replyCode: 200, replyText: "OK" });
      await client.call(1, "channel.open");
    },
  },
} as const satisfies Record<
  string,
  { fails: boolean; act: (client: RawClient, deliveryTag: number) => void | Promise<void> }
>;

type Step = keyof typeof STEPS;

const LIVES: readonly (readonly [...first: Step[], last: Step])[] = [
  ["basic.reject"],
  ["basic.nack"],
  ["basic.reject/requeue", "basic.nack"],
  ["basic.nack/requeue", "basic.nack"],
  ["basic.nack/requeue", "basic.reject"],
  ["basic.recover", "basic.nack"],
  ["channel.close", "basic.nack"],
];

for (const type of ["classic", "quorum"] as const) {
  for (const life of LIVES) {
    const hasFailed = life.some((step) => STEPS[step].fails);
    methodTest(
      `[dead-letter/redelivered] ${type}: ${life.join(", ")}: ${hasFailed}, in further queues too`,
      async (broker) => {
        const client = await broker.channel();
        const last = await declareTyped(broker, client, "classic");
        const target = await declareTyped(broker, client, type, deadLettersTo(last));
        const queue = await declareTyped(broker, client, type, deadLettersTo(target));
        client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
        for (const [index, step] of life.entries()) {
          const { args } = await getSoon(client, queue);
          assert.equal(args.redelivered, index > 0);
          await STEPS[step].act(client, args.deliveryTag);
        }
        const dead = await getSoon(client, target);
        assert.equal(dead.args.redelivered, hasFailed);
        client.send(1, "basic.nack", { deliveryTag: dead.args.deliveryTag });
        assert.equal((await getSoon(client, last)).args.redelivered, hasFailed);
      },
    );
  }

  methodTest(
    `[dead-letter/redelivered] ${type}: true for consumers, with or without acknowledgements`,
    async (broker) => {
      const client = await broker.channel();
      const target = await declareTyped(broker, client, type);
      const queue = await declareTyped(broker, client, type, deadLettersTo(target));
      for (const noAck of [false, true]) {
        const consumerTag = `noAck=${noAck}`;
        await client.call(1, "basic.consume", { queue: target, consumerTag, noAck });
        for (const act of ["basic.reject", "basic.nack"] as const) {
          client.publish(1, { routingKey: queue }, "a");
          const { args } = await getSoon(client, queue);
          client.send(1, act, { deliveryTag: args.deliveryTag });
          assert.equal((await client.find(1, "basic.deliver")).args.redelivered, act === "basic.reject", consumerTag);
        }
        await client.call(1, "basic.cancel", { consumerTag });
      }
    },
    type === "classic" ? { leveretOnly: "RabbitMQ's classic queues forget it for a consumer that waits" } : {},
  );
}

methodTest("[dead-letter/redelivered] quorum: true for what is over the delivery limit", async (broker) => {
  const client = await broker.channel();
  const target = await declareTyped(broker, client, "classic");
  const queue = await declareTyped(broker, client, "quorum", { ...deadLettersTo(target), "x-delivery-limit": 0 });
  client.publish(1, { routingKey: queue }, "a");
  const { args } = await getSoon(client, queue);
  client.send(1, "basic.reject", { deliveryTag: args.deliveryTag, requeue: true });
  assert.equal((await getSoon(client, target)).args.redelivered, true);
});
