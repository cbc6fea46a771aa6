import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { PolicySpec } from "../../src/core/policy/policy.ts";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type Administration, RefusedError } from "../support/administration.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, drain, expectReady, fill } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { declareTyped, eventually, getSoon, outcomes, type PlainArguments } from "../support/waiting.ts";

const ADMINISTERS = { administers: true };

/** A client in a virtual host of its own, and who sets policies there. */
interface Scene {
  readonly client: RawClient;
  readonly vhost: string;
  readonly administration: Administration;
  /** Sets a policy for all that its definition can be for, unless told. */
  readonly policy: (name: string, definition: object, spec?: Partial<PolicySpec>) => Promise<void>;
  readonly operatorPolicy: (name: string, definition: object, spec?: Partial<PolicySpec>) => Promise<void>;
}

async function scene(broker: BrokerUnderTest): Promise<Scene> {
  const { administration } = broker;
  const vhost = await broker.newVhost();
  return {
    client: await broker.channel({ vhost }),
    vhost,
    administration,
    policy: (name, definition, spec) =>
      administration.setPolicy("policy", vhost, name, { pattern: ".*", definition, ...spec }),
    operatorPolicy: (name, definition, spec) =>
      administration.setPolicy("operator-policy", vhost, name, {
        pattern: ".*",
        applyTo: "queues",
        definition,
        ...spec,
      }),
  };
}

const BODIES = ["1", "2", "3", "4", "5", "6"];
const latest = (count: number): readonly string[] => BODIES.slice(-count);

/** Waits until what an empty queue keeps of six messages, one after the other, are these. */
async function expectKept(client: RawClient, queue: string, bodies: readonly string[]): Promise<void> {
  const kept = async (): Promise<string[]> => {
    await drain(client, queue);
    await outcomes(client, queue, BODIES);
    return drain(client, queue);
  };
  await eventually(`${queue} keeps ${bodies}`, async () => isDeepStrictEqual(await kept(), bodies));
}

for (const type of ["classic", "quorum"] as const) {
  methodTest(
    `[policy] ${type}: is applied to what is there, and what is there acts without it when it goes`,
    async (broker) => {
      const { client, policy, administration, vhost } = await scene(broker);
      const queue = await declareTyped(broker, client, type);
      await fill(client, queue, BODIES);
      await policy("p", { "max-length": 2 });
      await expectReady(client, queue, 2);
      assert.deepEqual(await drain(client, queue), ["5", "6"]);
      await policy("p", { "max-length": 4 });
      await expectKept(client, queue, latest(4));
      await administration.deletePolicy("policy", vhost, "p");
      await expectKept(client, queue, BODIES);
    },
    ADMINISTERS,
  );
}

methodTest(
  "[policy/priority] one policy is in effect, that of the highest priority, and nothing of the others",
  async (broker) => {
    const { client, policy } = await scene(broker);
    await policy("low", { "max-length": 1 }, { priority: 1 });
    await policy("high", { "max-length-bytes": 3 }, { priority: 2 });
    const queue = await declareQueue(broker, client);
    await expectKept(client, queue, latest(3));
    await policy("high", { expires: 60_000 }, { priority: 2 });
    await expectKept(client, queue, BODIES);
    await policy("high", { expires: 60_000 }, { priority: 0 });
    await expectKept(client, queue, latest(1));
  },
  ADMINISTERS,
);

methodTest(
  "[policy/pattern] is found anywhere in the name",
  async (broker) => {
    const { client, policy } = await scene(broker);
    const [begin, middle] = ["orders", "new.orders.eu"];
    for (const queue of [begin, middle]) await declareQueue(broker, client, { queue });
    await policy("p", { "max-length": 2 }, { pattern: "orders" });
    await expectKept(client, middle, latest(2));
    await policy("p", { "max-length": 3 }, { pattern: "^orders$" });
    await expectKept(client, begin, latest(3));
    await expectKept(client, middle, BODIES);
  },
  ADMINISTERS,
);

for (const [applyTo, kept] of [
  ["queues", { classic: 2, quorum: 2 }],
  ["all", { classic: 2, quorum: 2 }],
  ["classic_queues", { classic: 2, quorum: 6 }],
  ["quorum_queues", { classic: 6, quorum: 2 }],
  ["streams", { classic: 6, quorum: 6 }],
] as const) {
  methodTest(
    `[policy/apply-to] ${applyTo}`,
    async (broker) => {
      const { client, policy } = await scene(broker);
      await policy("p", applyTo === "streams" ? { "max-age": "1D" } : { "max-length": 2 }, { applyTo });
      for (const type of ["classic", "quorum"] as const) {
        await expectKept(client, await declareTyped(broker, client, type), latest(kept[type]));
      }
    },
    ADMINISTERS,
  );
}

methodTest(
  "[policy] a key that a type of queue does not know makes the whole policy not apply to it",
  async (broker) => {
    const { client, policy } = await scene(broker);
    await policy("p", { "max-length": 2, "delivery-limit": 5 }, { applyTo: "queues" });
    await expectKept(client, await declareTyped(broker, client, "quorum"), latest(2));
    await expectKept(client, await declareTyped(broker, client, "classic"), BODIES);
  },
  ADMINISTERS,
);

for (const [what, argument, policyValue, kept] of [
  ["the policy's", 5, 3, 3],
  ["the argument's", 3, 5, 3],
] as const) {
  methodTest(
    `[policy] of a limit in an argument and a policy the lower holds: ${what}`,
    async (broker) => {
      const { client, policy } = await scene(broker);
      await policy("p", { "max-length": policyValue });
      for (const type of ["classic", "quorum"] as const) {
        const queue = await declareTyped(broker, client, type, { "x-max-length": argument });
        await expectKept(client, queue, latest(kept));
      }
    },
    ADMINISTERS,
  );
}

for (const [type, first] of [
  ["classic", "1"],
  ["quorum", "6"],
] as const) {
  const who = type === "classic" ? "the argument" : "the policy";
  methodTest(
    `[policy/overflow] ${type}: of an argument and a policy ${who} counts`,
    async (broker) => {
      const { client, policy } = await scene(broker);
      await policy("p", { overflow: "drop-head" }, { applyTo: "queues" });
      const limits = { "x-max-length": 1, "x-overflow": "reject-publish" };
      const queue = await declareTyped(broker, client, type, limits);
      await expectKept(client, queue, [first]);
    },
    ADMINISTERS,
  );
}

methodTest(
  "[policy/dead-letter-exchange] an argument counts more, each for itself",
  async (broker) => {
    const { client, policy } = await scene(broker);
    const [byArgument, byPolicy] = [await declareQueue(broker, client), await declareQueue(broker, client)];
    await policy("p", { "dead-letter-exchange": "", "dead-letter-routing-key": byPolicy }, { pattern: "^source" });
    const rejected = async (queue: string, queueArguments: PlainArguments): Promise<void> => {
      await declareQueue(broker, client, { queue, arguments: tableFrom(queueArguments) });
      await fill(client, queue, [queue]);
      const { args } = await getSoon(client, queue);
      client.send(1, "basic.reject", { deliveryTag: args.deliveryTag });
    };
    await rejected("source-1", {});
    assert.equal((await getSoon(client, byPolicy)).body.toString(), "source-1");
    await rejected("source-2", { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": byArgument });
    assert.equal((await getSoon(client, byArgument)).body.toString(), "source-2");
    await rejected("source-3", { "x-dead-letter-exchange": "amq.fanout" });
    await expectReady(client, byPolicy, 0);
  },
  ADMINISTERS,
);

for (const type of ["classic", "quorum"] as const) {
  methodTest(
    `[policy/message-ttl] ${type}: holds for messages that come after it`,
    async (broker) => {
      const { client, policy } = await scene(broker);
      const queue = await declareTyped(broker, client, type);
      await fill(client, queue, ["before"]);
      await policy("p", { "message-ttl": 200 });
      await broker.pass(200);
      await fill(client, queue, ["after"]);
      await broker.pass(400);
      assert.deepEqual(await drain(client, queue), ["before"]);
    },
    ADMINISTERS,
  );
}

methodTest(
  "[policy/expires] deletes queues that nobody uses",
  async (broker) => {
    const { client, policy } = await scene(broker);
    const queue = await declareQueue(broker, client);
    await policy("p", { expires: 200 });
    await broker.pass(600);
    client.send(1, "queue.declare", { queue, passive: true });
    await client.expectChannelClose(1, 404, /^NOT_FOUND/, 50, 10);
  },
  ADMINISTERS,
);

methodTest(
  "[policy/alternate-exchange] is for exchanges without the argument",
  async (broker) => {
    const { client, policy } = await scene(broker);
    const queue = await declareQueue(broker, client);
    const plain = await declareExchange(broker, client);
    const own = await declareExchange(broker, client, "direct", tableFrom({ "alternate-exchange": "amq.topic" }));
    await client.call(1, "queue.bind", { queue, exchange: "amq.fanout" });
    await policy("p", { "alternate-exchange": "amq.fanout" }, { applyTo: "exchanges", pattern: "^exchange-" });
    await eventually("what cannot be routed comes to the alternate exchange", async () => {
      client.publish(1, { exchange: plain, routingKey: "nowhere" }, "a");
      return (await drain(client, queue)).length > 0;
    });
    client.publish(1, { exchange: own, routingKey: "nowhere", mandatory: true }, "b");
    assert.equal((await client.find(1, "basic.return")).body.toString(), "b");
  },
  ADMINISTERS,
);

for (const [what, argument, definition, deliveries] of [
  ["the lower of both holds", 1, { "delivery-limit": 3 }, 2],
  ["a limit in a policy holds against an argument for none", -1, { "delivery-limit": 1 }, 2],
  ["a limit in an argument holds against a policy for none", 1, { "delivery-limit": -1 }, 2],
] as const) {
  methodTest(
    `[policy/delivery-limit] ${what}`,
    async (broker) => {
      const { client, policy } = await scene(broker);
      await policy("p", definition, { applyTo: "quorum_queues" });
      const queue = await declareTyped(broker, client, "quorum", { "x-delivery-limit": argument });
      await fill(client, queue, ["a"]);
      for (let count = 0; count < deliveries; count++) {
        const { args } = await getSoon(client, queue);
        client.send(1, "basic.reject", { deliveryTag: args.deliveryTag, requeue: true });
      }
      await fill(client, queue, ["b"]);
      assert.equal((await getSoon(client, queue)).body.toString(), "b");
    },
    ADMINISTERS,
  );
}

methodTest(
  "[operator-policy] of two limits the lower holds; what only one has, holds as well",
  async (broker) => {
    const { client, policy, operatorPolicy } = await scene(broker);
    await operatorPolicy("o", { "max-length": 3 });
    const queue = await declareQueue(broker, client);
    await expectKept(client, queue, latest(3));
    await policy("p", { "max-length": 5 });
    await expectKept(client, queue, latest(3));
    await policy("p", { "max-length": 2 });
    await expectKept(client, queue, latest(2));
    await policy("p", { "max-length-bytes": 1 });
    await expectKept(client, queue, latest(1));
  },
  ADMINISTERS,
);

methodTest(
  "[operator-policy/overflow] counts more than the policy's",
  async (broker) => {
    const { client, policy, operatorPolicy } = await scene(broker);
    await policy("p", { "max-length": 1, overflow: "drop-head" });
    await operatorPolicy("o", { overflow: "reject-publish" });
    await expectKept(client, await declareQueue(broker, client), ["1"]);
  },
  ADMINISTERS,
);

for (const [kind, spec, reason] of [
  ["policy", { definition: { foo: 5 } }, '[{<<"foo">>,5}] are not recognised policy settings'],
  ["policy", { definition: { "max-length": "x" } }, '<<"x">> is not a valid maximum length'],
  ["policy", { definition: {} }, "no policy provided"],
  ["policy", { definition: { overflow: "zzz" } }, '<<"zzz">> is not a valid overflow value'],
  [
    "policy",
    { definition: { "queue-master-locator": "random", "max-length": "x" } },
    "use of deprecated queue-master-locator argument is not permitted",
  ],
  ["policy", { pattern: "(", definition: { expires: 1 } }, /^pattern should be regular expression but is invalid: /],
  [
    "policy",
    { applyTo: "topics", definition: { expires: 1 } },
    "apply-to 'topics' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', 'streams', 'exchanges', or 'all'",
  ],
  [
    "operator-policy",
    { definition: { "dead-letter-exchange": "x" } },
    '[{<<"dead-letter-exchange">>,<<"x">>}] are not recognised policy settings',
  ],
] as const) {
  methodTest(
    `[${kind}] ${JSON.stringify(spec)} is refused`,
    async (broker) => {
      const { administration } = broker;
      const vhost = await broker.newVhost();
      await assert.rejects(administration.setPolicy(kind, vhost, "p", { pattern: ".*", ...spec }), (error) => {
        assert.ok(error instanceof RefusedError);
        const [, , line = ""] = error.message.split("\n");
        if (typeof reason === "string") assert.equal(line, reason);
        else assert.match(line, reason);
        return true;
      });
    },
    ADMINISTERS,
  );
}
