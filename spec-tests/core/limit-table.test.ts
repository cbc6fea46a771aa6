import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidDefinitionError } from "../../src/core/definitions.ts";
import { LimitTable } from "../../src/core/limit-table.ts";
import { UsageLimits } from "../../src/core/usage-limits.ts";
import { MemoryDefinitions } from "./auth/memory-definitions.ts";

function table(kind: "vhost-limits" | "user-limits" = "vhost-limits") {
  const definitions = new MemoryDefinitions();
  return { limits: new LimitTable(kind, definitions), definitions };
}

test("[limits] a limit is what has been set; a negative one is none", () => {
  const { limits } = table();
  assert.equal(limits.limit("v", "max-queues"), undefined);
  limits.update("v", { "max-queues": 5, "max-connections": 0 });
  limits.update("v", { "max-queues": -1 });
  assert.deepEqual([...limits.of("v")].sort(), [
    ["max-connections", 0],
    ["max-queues", -1],
  ]);
  assert.equal(limits.limit("v", "max-queues"), undefined);
  assert.equal(limits.limit("v", "max-connections"), 0);
  assert.deepEqual([...limits.owners()], ["v"]);
});

test("[limits] replacing forgets what is not given, removing forgets one", () => {
  const { limits, definitions } = table();
  limits.update("v", { "max-queues": 5, "max-connections": 6 });
  limits.replace("v", { "max-queues": 7 });
  assert.deepEqual([...limits.of("v")], [["max-queues", 7]]);
  assert.equal(limits.remove("v", "max-connections"), false);
  assert.equal(limits.remove("v", "max-queues"), true);
  assert.deepEqual([definitions.stored, [...limits.owners()]], [[], []]);
});

test("[limits] what is stored is restored, and only what has changed is stored", () => {
  const { limits, definitions } = table();
  limits.update("v", { "max-queues": 5 });
  const [stored] = definitions.stored;
  limits.update("v", { "max-queues": 5 });
  assert.equal(definitions.stored[0], stored);
  const other = table().limits;
  other.restore(stored?.id as string, stored?.value);
  assert.deepEqual([...other.of("v")], [["max-queues", 5]]);
  for (const value of [null, { owner: "v" }, { owner: "v", limits: { "max-queues": "5" } }, { limits: {} }]) {
    assert.throws(() => other.restore("v", value), InvalidDefinitionError);
  }
});

test("[vhost-limits] unknown limits and what is no integer are refused in RabbitMQ's words", () => {
  const { limits } = table();
  for (const [given, text] of [
    [{ "max-channels": 1 }, 'Unrecognised terms [{<<"max-channels">>,1}] in limits'],
    [{ "max-queues": "5" }, 'max-queues should be a number, actually was <<"5">>'],
    [{ "max-queues": 1.5 }, "max-queues should be a number, actually was 1.5"],
  ] as const) {
    assert.throws(() => limits.update("v", given), { replyCode: 406, message: `Validation failed\n\n${text}\n` });
  }
  assert.deepEqual([...limits.of("v")], []);
});

test("[user-limits] are refused without the words for parameters", () => {
  const { limits } = table("user-limits");
  limits.check({ "max-connections": 1, "max-channels": 2 });
  assert.throws(() => limits.check({ "max-queues": 1 }), {
    message: 'Unrecognised terms [{<<"max-queues">>,1}] in user-limits',
  });
  assert.throws(() => limits.check({ "max-channels": null }), {
    message: "max-channels should be a number, actually was null",
  });
});

test("[limits] what is open is counted for its virtual host and for its user", () => {
  const usage = new UsageLimits(new MemoryDefinitions());
  usage.connectionOpened("u", "a");
  usage.connectionOpened("u", "b");
  usage.openChannel("u");
  usage.openChannel("u");
  usage.channelClosed("u");
  usage.connectionClosed("u", "a");
  assert.deepEqual([usage.vhostConnectionCount("a"), usage.vhostConnectionCount("b")], [0, 1]);
  assert.deepEqual([usage.userConnectionCount("u"), usage.userChannelCount("u")], [1, 1]);
  assert.throws(() => usage.connectionClosed("u", "a"), /what is closed has been opened/);
});
