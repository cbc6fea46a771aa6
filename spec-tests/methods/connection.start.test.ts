import assert from "node:assert/strict";
import type { FieldTable } from "../../src/wire/field-table.ts";
import { expectStart } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";

methodTest("[connection.start] offers version 0-9, PLAIN and AMQPLAIN, and the locale en_US", async (broker) => {
  const start = await expectStart(await broker.rawClient());
  assert.deepEqual([start.versionMajor, start.versionMinor], [0, 9]);
  const mechanisms = start.mechanisms.toString().split(" ");
  for (const mechanism of ["PLAIN", "AMQPLAIN"]) assert.ok(mechanisms.includes(mechanism), mechanism);
  assert.equal(start.locales.toString(), "en_US");
});

methodTest("[connection.start/server-properties] name the broker; the version is a dotted triple", async (broker) => {
  const { serverProperties } = await expectStart(await broker.rawClient());
  for (const key of ["cluster_name", "copyright", "information", "platform", "product", "version"]) {
    assert.equal(serverProperties.get(key)?.type, "longstr", key);
  }
  assert.match(String(serverProperties.get("version")?.value), /^\d+\.\d+\.\d+/);
});

methodTest("[connection.start/server-properties] announce every capability as true", async (broker) => {
  const { serverProperties } = await expectStart(await broker.rawClient());
  const capabilities = serverProperties.get("capabilities");
  assert.equal(capabilities?.type, "table");
  const announced = new Map([...(capabilities.value as FieldTable)].map(([key, value]) => [key, value.value]));
  const expected = [
    "authentication_failure_close",
    "basic.nack",
    "connection.blocked",
    "consumer_cancel_notify",
    "consumer_priorities",
    "direct_reply_to",
    "exchange_exchange_bindings",
    "per_consumer_qos",
    "publisher_confirms",
  ];
  for (const capability of expected) assert.equal(announced.get(capability), true, capability);
});

methodTest(
  "[connection.start/server-properties] the product is Leveret",
  async (broker) => {
    const { serverProperties } = await expectStart(await broker.rawClient());
    assert.deepEqual(serverProperties.get("product"), { type: "longstr", value: "Leveret" });
  },
  { leveretOnly: "the name of the product" },
);

methodTest(
  "[connection.start/server-properties] the product can be set for clients that branch on it",
  async (broker) => {
    const { serverProperties } = await expectStart(await broker.rawClient());
    assert.deepEqual(serverProperties.get("product"), { type: "longstr", value: "RabbitMQ" });
  },
  { broker: { product: "RabbitMQ" } },
);
