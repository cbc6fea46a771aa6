import assert from "node:assert/strict";
import { test } from "node:test";
import type { Broker } from "../../../../src/core/broker.ts";
import { exportDefinitions } from "../../../../src/core/commands/definitions/export-definitions.ts";
import { importDefinitions } from "../../../../src/core/commands/definitions/import-definitions.ts";
import { readDefinitions } from "../../../../src/core/commands/definitions/read-definitions.ts";
import type { Vhost } from "../../../../src/core/vhost.ts";
import { EMPTY_TABLE } from "../../../../src/wire/field-table.ts";
import { startTestBroker } from "../../../support/test-broker.ts";

/** What RabbitMQ 4 exports, shortened; the password is test12, the hash RabbitMQ's documentation has for it. */
const FROM_RABBITMQ = {
  rabbit_version: "4.3.5",
  rabbitmq_version: "4.3.5",
  product_name: "RabbitMQ",
  product_version: "4.3.5",
  rabbitmq_definition_format: "cluster",
  original_cluster_name: "rabbit@host",
  explanation: "Definitions of cluster 'rabbit@host'",
  users: [
    {
      name: "app",
      password_hash: "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",
      hashing_algorithm: "rabbit_password_hashing_sha256",
      tags: ["policymaker", "management"],
      limits: { "max-channels": 50 },
    },
  ],
  vhosts: [
    {
      name: "shop",
      metadata: { description: "orders", tags: ["prod"], default_queue_type: "quorum" },
      limits: { "max-queues": 100 },
    },
  ],
  permissions: [{ user: "app", vhost: "shop", configure: "^o", write: ".*", read: ".*" }],
  topic_permissions: [{ user: "app", vhost: "shop", exchange: "events", write: "^order\\.", read: ".*" }],
  parameters: [
    { vhost: "shop", component: "vhost-limits", name: "limits", value: { "max-queues": 100 } },
    {
      vhost: "shop",
      component: "operator_policy",
      name: "cap",
      value: { pattern: "", definition: { "max-length": 1000 }, priority: 0, "apply-to": "queues" },
    },
  ],
  global_parameters: [],
  policies: [
    {
      vhost: "shop",
      name: "dlx",
      pattern: "^orders$",
      "apply-to": "queues",
      priority: 5,
      definition: { "dead-letter-exchange": "dead", "max-length": 5000 },
    },
  ],
  exchanges: [
    { vhost: "shop", name: "events", type: "topic", durable: true, auto_delete: false, arguments: {} },
    { vhost: "shop", name: "dead", type: "fanout", durable: true, auto_delete: false, internal: true, arguments: {} },
  ],
  queues: [
    {
      vhost: "shop",
      name: "orders",
      type: "quorum",
      durable: true,
      auto_delete: false,
      arguments: { "x-queue-type": "quorum", "x-max-length-bytes": 1000000 },
    },
    { vhost: "shop", name: "dead", type: "classic", durable: true, auto_delete: false, arguments: {} },
  ],
  bindings: [
    {
      vhost: "shop",
      source: "events",
      destination: "orders",
      destination_type: "queue",
      routing_key: "order.*",
      arguments: {},
    },
    {
      vhost: "shop",
      source: "events",
      destination: "dead",
      destination_type: "exchange",
      routing_key: "#",
      arguments: { a: 1 },
    },
    { vhost: "shop", source: "dead", destination: "dead", destination_type: "queue", routing_key: "", arguments: {} },
  ],
};

/** @param body gets a broker with the virtual host `/` and the user guest, and one without either */
function brokersTest(title: string, body: (seeded: Broker, empty: Broker) => void): void {
  test(title, async () => {
    const brokers = [startTestBroker(), startTestBroker()] as const;
    const [{ broker: seeded }, { broker: empty }] = brokers;
    try {
      empty.deleteVhost(empty.findVhost("/") as Vhost);
      empty.users.delete("guest");
      body(seeded, empty);
    } finally {
      for (const { close } of brokers) await close();
    }
  });
}

function importJson(broker: Broker, json: unknown): readonly string[] {
  const document = readDefinitions(JSON.parse(JSON.stringify(json)));
  importDefinitions(broker, document);
  return document.ignored;
}

function exported(broker: Broker) {
  return JSON.parse(JSON.stringify(exportDefinitions(broker, broker.identity)));
}

brokersTest("[definitions/import] takes what RabbitMQ exports", (_seeded, broker) => {
  assert.deepEqual(importJson(broker, FROM_RABBITMQ), []);
  const vhost = broker.findVhost("shop") as Vhost;
  assert.deepEqual(vhost.metadata, { description: "orders", tags: ["prod"], defaultQueueType: "quorum" });
  assert.equal(broker.users.authenticate("app", "test12", true).user?.name, "app");
  assert.equal(broker.users.authenticate("app", "test13", true).user, undefined);
  assert.deepEqual(broker.users.get("app")?.tags, ["policymaker", "management"]);
  assert.equal(broker.usage.users.limit("app", "max-channels"), 50);
  assert.equal(broker.usage.queuesMax("shop"), 100);
  assert.equal(broker.permissions.get("shop", "app")?.configure, "^o");
  assert.equal(broker.permissions.topics.get("shop", "app", "events")?.write, "^order\\.");
  const orders = vhost.requireQueue("orders");
  assert.deepEqual([orders.type, orders.durable, orders.settings.lengthBytesMax], ["quorum", true, 1_000_000]);
  assert.deepEqual([orders.settings.lengthMax, orders.settings.deadLetterExchange], [1000, "dead"]);
  assert.equal(vhost.requireQueue("dead").type, "classic");
  assert.equal(vhost.requireExchange("dead").internal, true);
  assert.equal([...vhost.bindings()].length, 3);
});

brokersTest("[definitions/export] is what was imported, whole", (_seeded, broker) => {
  importJson(broker, FROM_RABBITMQ);
  const { original_cluster_name, explanation, ...expected } = FROM_RABBITMQ;
  const { version, product } = broker.identity;
  const own = { rabbit_version: version, rabbitmq_version: version, product_name: product, product_version: version };
  const sorted = (json: { parameters: { component: string }[] }) => ({
    ...json,
    parameters: [...json.parameters].sort((a, b) => (a.component < b.component ? -1 : 1)),
  });
  assert.deepEqual(sorted(exported(broker)), sorted({ ...expected, ...own }));
});

brokersTest("[definitions/export] can be imported elsewhere, and comes out the same there", (seeded, empty) => {
  importJson(seeded, FROM_RABBITMQ);
  const definitions = exported(seeded);
  importJson(empty, definitions);
  assert.deepEqual(exported(empty), definitions);
});

brokersTest("[definitions/export] leaves out exclusive queues, reserved names and their bindings", (broker) => {
  const vhost = broker.findVhost("/") as Vhost;
  const spec = { durable: false, autoDelete: false, arguments: EMPTY_TABLE };
  const queues = [
    vhost.addQueue({ ...spec, name: "exclusive", exclusiveOwner: {} }),
    vhost.addQueue({ ...spec, name: "amq.gen-1", exclusiveOwner: undefined }),
    vhost.addQueue({ ...spec, name: "kept", exclusiveOwner: undefined }),
  ];
  for (const queue of queues) vhost.bind(vhost.requireExchange("amq.fanout"), queue, "", EMPTY_TABLE);
  const definitions = exported(broker);
  assert.deepEqual(definitions.exchanges, []);
  assert.deepEqual(
    definitions.queues.map(({ name }: { name: string }) => name),
    ["kept"],
  );
  assert.deepEqual(
    definitions.bindings.map(({ source, destination }: Record<string, string>) => [source, destination]),
    [["amq.fanout", "kept"]],
  );
});

brokersTest("[definitions/import] a second time changes nothing and tells no client anything", (_seeded, broker) => {
  const users = [{ name: "plain", password: "secret", tags: "" }];
  const definitions = { ...FROM_RABBITMQ, users: [...FROM_RABBITMQ.users, ...users] };
  importJson(broker, definitions);
  const before = exported(broker);
  const vhost = broker.findVhost("shop") as Vhost;
  const generations = () => [vhost.topologyGeneration, broker.users.generation, broker.permissions.generation];
  const generation = generations();
  broker.policies.onChange = () => assert.fail("no policy changes");
  importJson(broker, definitions);
  assert.deepEqual([exported(broker), generations()], [before, generation]);
});

brokersTest("[definitions/import] leaves alone what it does not name, and replaces settings", (broker) => {
  broker.policies.set("policy", "/", "mine", { pattern: "", definition: { expires: 5 } });
  broker.updateVhost(broker.findVhost("/") as Vhost, { description: "d", tags: ["t"], defaultQueueType: "stream" });
  importJson(broker, {
    vhosts: [{ name: "/", metadata: { tags: ["u"] } }],
    users: [{ name: "guest", password: "other", tags: "monitoring, management" }],
    policies: [{ vhost: "/", name: "theirs", pattern: "^a", definition: { expires: 9 } }],
  });
  assert.deepEqual(broker.findVhost("/")?.metadata, { description: "d", tags: ["u"], defaultQueueType: "stream" });
  assert.deepEqual(broker.users.get("guest")?.tags, ["monitoring", "management"]);
  assert.equal(broker.users.authenticate("guest", "other", true).user?.name, "guest");
  assert.equal(broker.permissions.get("/", "guest")?.configure, ".*");
  assert.deepEqual([...broker.policies.list("policy")].map(({ name }) => name).sort(), ["mine", "theirs"]);
});

brokersTest("[definitions/import] a queue's type: its argument, else the entry, else the virtual host's", (broker) => {
  const queue = (name: string, more: object) => ({ vhost: "v", name, durable: true, auto_delete: false, ...more });
  importJson(broker, {
    vhosts: [{ name: "v", metadata: { default_queue_type: "quorum" } }],
    queues: [
      queue("argument", { type: "quorum", arguments: { "x-queue-type": "stream" } }),
      queue("entry", { type: "stream" }),
      queue("classic", { type: "classic", arguments: [] }),
      queue("default", {}),
      queue("fleeting", { auto_delete: true }),
    ],
  });
  const vhost = broker.findVhost("v") as Vhost;
  assert.deepEqual(
    Array.from(vhost.queues, ({ name, type }) => `${name}: ${type}`),
    ["argument: stream", "entry: stream", "classic: classic", "default: quorum", "fleeting: classic"],
  );
});

brokersTest("[definitions/import] what is not taken is told: unknown keys, components, reserved names", (broker) => {
  const ignored = importJson(broker, {
    rabbit_version: "3.12.0",
    shovels: [],
    global_parameters: [{ name: "cluster_name", value: "x" }],
    parameters: [{ vhost: "/", component: "shovel", name: "s", value: {} }],
    exchanges: [{ vhost: "/", name: "amq.direct", type: "fanout" }],
    queues: [{ vhost: "/", name: "amq.gen-x" }],
  });
  assert.deepEqual(ignored, [
    "'shovels' is not known",
    "global_parameters are not supported",
    "parameters[0] 's' is of the component 'shovel', which is not supported",
    "exchanges[0] 'amq.direct' has a reserved name",
    "queues[0] 'amq.gen-x' has a reserved name",
  ]);
  assert.equal(broker.findVhost("/")?.queueCount, 0);
});

brokersTest("[definitions/import] passwords of releases before 3.6 are MD5", (broker) => {
  const user = { name: "old", password_hash: "AAAAAA==", tags: "" };
  importJson(broker, { rabbit_version: "3.5.7", users: [user] });
  assert.equal(broker.users.get("old")?.hashingAlgorithm, "rabbit_password_hashing_md5");
  importJson(broker, { rabbit_version: "3.6.0", users: [user] });
  assert.equal(broker.users.get("old")?.hashingAlgorithm, "rabbit_password_hashing_sha256");
});
