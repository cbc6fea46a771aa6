import assert from "node:assert/strict";
import { type FieldTable, tableFrom } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import { type MethodTestOptions, methodTest } from "../support/method-test.ts";
import { declareQueue, expectReady } from "../support/queues.ts";

const HEADERS: FieldTable = new Map([
  ...tableFrom({
    A: [1, "x", [], {}],
    F: { nested: { deep: null } },
    S: "ü",
    V: null,
    d: 0.25,
    l: -5,
    t: false,
    x: Buffer.from([0, 255]),
  }),
  ["B", { type: "unsignedbyte", value: 255 }],
  ["D", { type: "decimal", value: { scale: 2, unscaled: 314 } }],
  ["I", { type: "signedint", value: -70_000 }],
  ["T", { type: "timestamp", value: 1_700_000_000n }],
  ["b", { type: "byte", value: -128 }],
  ["f", { type: "float", value: 0.5 }],
  ["i", { type: "unsignedint", value: 4_000_000_000 }],
  ["s", { type: "short", value: -300 }],
  ["u", { type: "unsignedshort", value: 65_535 }],
]);

const ALL: Required<Properties> = {
  contentType: "text/plain",
  contentEncoding: "gzip",
  headers: HEADERS,
  deliveryMode: 2,
  priority: 7,
  correlationId: "correlation",
  replyTo: "reply",
  expiration: "60000",
  messageId: "message",
  timestamp: 2n ** 63n,
  type: "kind",
  userId: "guest",
  appId: "application",
  clusterId: "cluster",
};

const SAMPLES: readonly (readonly [title: string, properties: Properties])[] = [
  ["no properties", {}],
  ["all 14 properties", ALL],
  ["empty strings, which stay present", { contentType: "", correlationId: "", appId: "" }],
  ["empty headers, which stay present", { headers: tableFrom({}) }],
  ["priority 0", { priority: 0 }],
  ["priority 255 and the largest timestamp", { priority: 255, timestamp: 2n ** 64n - 1n }],
  ["a header with an empty key", { headers: tableFrom({ "": "empty" }) }],
  ...Object.entries(ALL).map(([name, value]) => [`${name} alone`, { [name]: value }] as const),
];

const UNKNOWN_MODES: typeof SAMPLES = [0, 9].map((deliveryMode) => [`delivery-mode ${deliveryMode}`, { deliveryMode }]);

for (const [title, properties] of SAMPLES) arrivesUnchanged(title, properties);
for (const [title, properties] of UNKNOWN_MODES) arrivesUnchanged(title, properties, { sinceRabbitmq: "4.0" });

function arrivesUnchanged(title: string, properties: Properties, options: MethodTestOptions = {}): void {
  methodTest(
    `[properties] ${title} arrive as they were published`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareQueue(broker, client);
      client.publish(1, { routingKey: queue }, "body", properties);
      await expectReady(client, queue, 1);
      const message = await client.get(1, { queue, noAck: true });
      assert.deepEqual(sorted(message?.properties), sorted(properties));
      client.publish(1, { routingKey: queue, mandatory: true }, "body", properties);
      await client.call(1, "basic.consume", { queue, noAck: true });
      assert.deepEqual(sorted((await client.expectContent(1, "basic.deliver")).properties), sorted(properties));
    },
    options,
  );
}

methodTest(
  "[properties] headers are passed on in the order and under the type codes of the publisher",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    const headers: FieldTable = new Map([...HEADERS].reverse());
    client.publish(1, { routingKey: queue }, "", { headers });
    await expectReady(client, queue, 1);
    const message = await client.get(1, { queue });
    assert.deepEqual([...(message?.properties.headers ?? [])], [...headers]);
  },
  { leveretOnly: "RabbitMQ sorts the headers" },
);

/** The properties with their headers sorted by key, as RabbitMQ passes them on. */
function sorted(properties: Properties | undefined): Properties | undefined {
  if (properties?.headers === undefined) return properties;
  const entries = [...properties.headers].sort(([one], [other]) => (one < other ? -1 : 1));
  return { ...properties, headers: new Map(entries) };
}
