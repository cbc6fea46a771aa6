import assert from "node:assert/strict";
import { test } from "node:test";
import rhea from "rhea";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { uniqueName } from "../support/unique-name.ts";
import { Management, openConnection } from "./connection.ts";

const url = await brokerUnderTest();

test("management: a queue is declared, looked at, declared again, refused when it differs, purged and deleted", async (t) => {
  const management = await Management.open(await openConnection(t, url));
  const name = uniqueName("a queue/");
  const path = `/queues/${encodeURIComponent(name)}`;
  const spec = { durable: true, exclusive: false, auto_delete: false, arguments: { "x-queue-type": "quorum" } };

  const created = await management.request("PUT", path, spec);
  assert.equal(created.status, "201");
  const { name: createdName, durable, type, arguments: createdArguments } = created.body as Record<string, unknown>;
  assert.deepEqual(
    { name: createdName, durable: Boolean(durable), type, arguments: createdArguments },
    { name, durable: true, type: "quorum", arguments: { "x-queue-type": "quorum" } },
  );
  assert.equal((await management.request("PUT", path, spec)).status, "200");
  assert.equal((await management.request("PUT", path, { ...spec, arguments: {} })).status, "409");

  const got = await management.request("GET", path);
  assert.equal(got.status, "200");
  assert.equal(Number((got.body as Record<string, unknown>)["message_count"]), 0);
  assert.equal(Number((got.body as Record<string, unknown>)["consumer_count"]), 0);

  const purged = await management.request("DELETE", `${path}/messages`);
  assert.deepEqual([purged.status, Number((purged.body as Record<string, unknown>)["message_count"])], ["200", 0]);
  const deleted = await management.request("DELETE", path);
  assert.deepEqual([deleted.status, Number((deleted.body as Record<string, unknown>)["message_count"])], ["200", 0]);
  assert.equal((await management.request("GET", path)).status, "404");
});

test("management: exchanges and bindings", async (t) => {
  const management = await Management.open(await openConnection(t, url));
  const [exchange, queue] = [uniqueName("ex change"), uniqueName("queue")];
  const path = `/exchanges/${encodeURIComponent(exchange)}`;
  const spec = { type: "headers", durable: true, auto_delete: false, internal: false, arguments: {} };
  assert.equal((await management.request("PUT", path, spec)).status, "204");
  assert.equal((await management.request("PUT", path, spec)).status, "204");
  assert.equal((await management.request("PUT", path, { ...spec, type: "fanout" })).status, "409");
  assert.equal((await management.request("PUT", `/queues/${queue}`, {})).status, "201");

  const binding = { source: exchange, destination_queue: queue, binding_key: "a key", arguments: { "x-match": "all" } };
  assert.equal((await management.request("POST", "/bindings", binding)).status, "204");
  assert.equal((await management.request("POST", "/bindings", { ...binding, arguments: {} })).status, "204");
  const query = `?src=${encodeURIComponent(exchange)}&dstq=${queue}&key=a%20key`;
  const listed = (await management.request("GET", `/bindings${query}`)).body as Record<string, string>[];
  assert.equal(listed.length, 2);
  const withArguments = listed.find((each) => Object.keys(each["arguments"] ?? {}).length > 0);
  assert.equal(withArguments?.["source"], exchange);
  assert.equal(withArguments?.["destination_queue"], queue);
  assert.equal((await management.request("DELETE", withArguments?.["location"] as string)).status, "204");
  const withoutArguments = `/bindings/src=${encodeURIComponent(exchange)};dstq=${queue};key=a%20key;args=`;
  assert.equal((await management.request("DELETE", withoutArguments)).status, "204");
  assert.deepEqual((await management.request("GET", `/bindings${query}`)).body, []);

  assert.equal((await management.request("DELETE", path)).status, "204");
  assert.equal((await management.request("DELETE", `/queues/${queue}`)).status, "200");
});

test("management: what is wrong has a status of 400, 403 or 409", async (t) => {
  const management = await Management.open(await openConnection(t, url));
  const queue = uniqueName("queue");
  for (const [status, method, path, body] of [
    ["403", "PUT", "/queues/amq.mine", {}],
    ["400", "PUT", `/queues/${queue}`, { nonsense: true }],
    ["400", "PUT", `/queues/${queue}`, { durable: "yes" }],
    ["400", "PUT", "/queues/", {}],
    ["409", "PUT", `/queues/${queue}`, { arguments: { "x-max-length": rhea.types.wrap_int(-1) } }],
    ["400", "PUT", `/exchanges/${queue}`, { type: "nonsense" }],
    ["403", "DELETE", "/exchanges/amq.direct", null],
    ["400", "GET", "/bindings?src=amq.direct&key=k", null],
    ["400", "DELETE", "/bindings/nonsense", null],
    ["404", "DELETE", `/queues/${queue}/messages`, null],
    ["200", "DELETE", `/queues/${queue}`, null],
  ] as const) {
    assert.equal((await management.request(method, path, body)).status, status, `${method} ${path}`);
  }
});
