import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarms } from "../../src/core/alarms.ts";
import { CommitBarrier } from "../../src/core/commit-barrier.ts";
import { FlowControl } from "../../src/core/flow-control.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";

const UNWRITTEN_BYTES_MAX = 1000;

/** Alarms, and a note of each change that is told and of each line that is logged. */
function notedAlarms(): { alarms: Alarms; told: string[][]; logged: unknown[] } {
  const logged: unknown[] = [];
  const alarms = new Alarms({
    ...silentLogger,
    info: (message, fields) => logged.push(["info", message, fields]),
    warn: (message, fields) => logged.push(["warn", message, fields]),
  });
  const told: string[][] = [];
  alarms.listen(() => told.push(alarms.raised));
  return { alarms, told, logged };
}

function flowUnder(alarms: Alarms): { barrier: CommitBarrier; flow: FlowControl } {
  const barrier = new CommitBarrier(new MemoryStore(), new ManualClock(), silentLogger, () => {});
  return { barrier, flow: new FlowControl(barrier, UNWRITTEN_BYTES_MAX, alarms) };
}

test("[alarms/raise] an alarm is in effect from raise to clear; doing either again changes nothing", () => {
  const { alarms, told } = notedAlarms();
  assert.deepEqual([alarms.inEffect, alarms.raised], [false, []]);
  alarms.raise("memory");
  alarms.raise("memory");
  assert.deepEqual([alarms.inEffect, alarms.raised], [true, ["memory"]]);
  alarms.clear("memory");
  alarms.clear("memory");
  alarms.clear("disk");
  assert.equal(alarms.inEffect, false);
  assert.deepEqual(told, [["memory"], []]);
});

test("[alarms/raise] the resources have an alarm each", () => {
  const { alarms, told } = notedAlarms();
  alarms.raise("memory");
  alarms.raise("disk");
  alarms.clear("memory");
  alarms.clear("disk");
  assert.deepEqual(told, [["memory"], ["disk", "memory"], ["disk"], []]);
});

test("[alarms/cause] an alarm stays raised until every cause of it is cleared", () => {
  const { alarms, told } = notedAlarms();
  alarms.raise("disk", "store");
  alarms.raise("disk", "watermark");
  alarms.raise("disk");
  alarms.clear("disk", "watermark");
  alarms.clear("disk", "watermark");
  alarms.clear("disk");
  assert.equal(alarms.inEffect, true);
  alarms.clear("disk", "store");
  assert.deepEqual(told, [["disk"], []]);
});

test("[alarms/log] raising is a warning, clearing is not, and neither is repeated", () => {
  const { alarms, logged } = notedAlarms();
  alarms.raise("memory", "watermark");
  alarms.raise("memory");
  alarms.clear("memory");
  alarms.clear("memory", "watermark");
  assert.deepEqual(logged, [
    ["warn", "alarm raised: publishers are blocked until it is cleared", { resource: "memory", cause: "watermark" }],
    ["info", "alarm cleared", { resource: "memory" }],
  ]);
});

test("[alarms/listen] who is forgotten hears nothing more, even when forgotten by another listener", () => {
  const { alarms } = notedAlarms();
  const heard: string[] = [];
  const second = (): void => void heard.push("second");
  alarms.listen(() => {
    heard.push("first");
    alarms.forget(second);
  });
  alarms.listen(second);
  alarms.raise("disk");
  alarms.clear("disk");
  assert.deepEqual(heard, ["first", "first"]);
});

test("[flow control/reason] is what the broker is low on, in RabbitMQ's words", () => {
  const { alarms } = notedAlarms();
  const { flow } = flowUnder(alarms);
  assert.deepEqual([flow.mustWait, flow.blockedReason], [false, undefined]);
  alarms.raise("memory");
  assert.deepEqual([flow.mustWait, flow.blockedReason], [true, "low on memory"]);
  alarms.raise("disk");
  assert.equal(flow.blockedReason, "low on disk & memory");
  alarms.clear("memory");
  assert.equal(flow.blockedReason, "low on disk");
});

test("[flow control/alarms] publishers wait until alarms are cleared and what they sent is written", () => {
  const { alarms } = notedAlarms();
  const { barrier, flow } = flowUnder(alarms);
  const resumed: string[] = [];
  barrier.pendingBytes = UNWRITTEN_BYTES_MAX + 1;
  alarms.raise("memory");
  flow.whenClear(() => resumed.push("publisher"));
  barrier.pendingBytes = 0;
  flow.endOfTurn();
  assert.deepEqual(resumed, []);
  barrier.pendingBytes = UNWRITTEN_BYTES_MAX + 1;
  alarms.clear("memory");
  flow.endOfTurn();
  assert.deepEqual([resumed, flow.blockedReason], [[], undefined]);
  barrier.pendingBytes = UNWRITTEN_BYTES_MAX;
  flow.endOfTurn();
  assert.deepEqual(resumed, ["publisher"]);
});
