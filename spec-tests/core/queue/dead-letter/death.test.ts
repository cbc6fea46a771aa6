import assert from "node:assert/strict";
import { test } from "node:test";
import { type Death, headersAfterDeath, isDeathCycle } from "../../../../src/core/queue/dead-letter/death.ts";
import { EMPTY_TABLE, type FieldTable, longstr, tableFrom, tableToRecord } from "../../../../src/wire/field-table.ts";

const EXPIRED: Death = {
  queue: "work",
  reason: "expired",
  timeSeconds: 1_700_000_000,
  exchange: "jobs",
  routingKeys: ["urgent", "copy"],
  originalExpiration: "1000",
};

const REJECTED: Death = { ...EXPIRED, reason: "rejected", timeSeconds: 1_700_000_100, originalExpiration: undefined };

function deaths(headers: FieldTable): readonly Record<string, unknown>[] {
  return tableToRecord(headers)["x-death"] as Record<string, unknown>[];
}

test("[dead-letter/x-death] a first death is an entry of its own, with what the message was published with", () => {
  const headers = headersAfterDeath(tableFrom({ mine: "kept" }), false, EXPIRED);
  assert.equal(headers.get("mine")?.value, "kept");
  const entry = headers.get("x-death");
  assert(entry?.type === "array" && entry.value.length === 1 && entry.value[0]?.type === "table");
  assert.deepEqual(
    [...entry.value[0].value].map(([key, { type }]) => [key, type]),
    [
      ["original-expiration", "longstr"],
      ["count", "long"],
      ["reason", "longstr"],
      ["queue", "longstr"],
      ["time", "timestamp"],
      ["exchange", "longstr"],
      ["routing-keys", "array"],
    ],
  );
  const [death] = deaths(headers);
  assert.deepEqual(death?.["routing-keys"], ["urgent", "copy"]);
  assert.equal(Number(death?.["count"]), 1);
});

test("[dead-letter/x-death] another reason or queue goes to the front; the same is counted, moved and keeps its first time", () => {
  const once = headersAfterDeath(EMPTY_TABLE, false, EXPIRED);
  const twice = headersAfterDeath(once, true, REJECTED);
  assert.deepEqual(
    deaths(twice).map(({ reason }) => reason),
    ["rejected", "expired"],
  );
  const again = headersAfterDeath(twice, true, {
    ...EXPIRED,
    timeSeconds: 1_700_000_200,
    originalExpiration: undefined,
  });
  assert.deepEqual(
    deaths(again).map(({ reason, count }) => [reason, Number(count)]),
    [
      ["expired", 2],
      ["rejected", 1],
    ],
  );
  const first = again.get("x-death");
  assert(first?.type === "array" && first.value[0]?.type === "table");
  assert.equal(first.value[0].value.get("time")?.value, 1_700_000_000n);
  assert.equal(first.value[0].value.get("original-expiration")?.value, "1000");
});

test("[dead-letter/first-death] stays what it was; last-death follows", () => {
  const headers = headersAfterDeath(headersAfterDeath(EMPTY_TABLE, false, EXPIRED), true, {
    ...REJECTED,
    queue: "retry",
    exchange: "other",
  });
  const value = (key: string) => headers.get(key)?.value;
  assert.deepEqual(
    [value("x-first-death-queue"), value("x-first-death-reason"), value("x-first-death-exchange")],
    ["work", "expired", "jobs"],
  );
  assert.deepEqual(
    [value("x-last-death-queue"), value("x-last-death-reason"), value("x-last-death-exchange")],
    ["retry", "rejected", "other"],
  );
});

test("[dead-letter/x-death] what a client put there is dropped", () => {
  const forged = new Map(headersAfterDeath(EMPTY_TABLE, false, { ...EXPIRED, queue: "forged" }));
  forged.set("x-first-death-queue", longstr("forged"));
  const headers = headersAfterDeath(forged, false, REJECTED);
  assert.deepEqual(
    deaths(headers).map(({ queue }) => queue),
    ["work"],
  );
  assert.equal(headers.get("x-first-death-queue")?.value, "work");
});

test("[dead-letter/cycle] a queue in which it died is a circle, unless a client has rejected the message since", () => {
  const expired = headersAfterDeath(EMPTY_TABLE, false, EXPIRED);
  assert.equal(isDeathCycle(expired, "work"), true);
  assert.equal(isDeathCycle(expired, "other"), false);
  const rejectedElsewhere = headersAfterDeath(expired, true, { ...REJECTED, queue: "retry" });
  assert.equal(isDeathCycle(rejectedElsewhere, "work"), false);
  assert.equal(isDeathCycle(headersAfterDeath(EMPTY_TABLE, false, REJECTED), "work"), false);
  assert.equal(isDeathCycle(EMPTY_TABLE, "work"), false);
});
