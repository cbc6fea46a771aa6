import assert from "node:assert/strict";
import { test } from "node:test";
import { type FoundMessage, QueueLedger } from "./queue-ledger.ts";

/** A ledger with messages 1 to 4 published and confirmed; 4 is not persistent. */
function confirmedLedger(): QueueLedger {
  const ledger = new QueueLedger("queue", false);
  for (const number of [1, 2, 3, 4]) {
    ledger.publishing(number, number !== 4);
    ledger.confirmed(number);
  }
  return ledger;
}

function found(...numbers: number[]): FoundMessage[] {
  return numbers.map((number) => ({ number, redelivered: false }));
}

test("[crash/accounting] what was promised and nothing else passes the audit", () => {
  const ledger = confirmedLedger();
  ledger.publishing(5, true);
  ledger.audit(found(1, 2, 3));
  assert.deepEqual([ledger.promisedCount, ledger.has(3), ledger.has(4)], [3, true, false]);
});

test("[crash/accounting] a lost confirmed message, a doubled one and a wrong order are found", () => {
  assert.throws(() => confirmedLedger().audit(found(1, 3)), /queue: message 2 was confirmed and is lost/);
  assert.throws(() => confirmedLedger().audit(found(1, 2, 2, 3)), /queue: message 2 is there twice/);
  assert.throws(() => confirmedLedger().audit(found(1, 3, 2)), /queue: message 2 is behind message 3/);
});

test("[crash/accounting] a settled message that comes back is found, one whose acknowledgement was on its way is not", () => {
  const ledger = confirmedLedger();
  for (const number of [1, 2]) ledger.acknowledging(number);
  ledger.settled(1);
  assert.throws(() => ledger.audit(found(1, 2, 3)), /queue: message 1 is back although it was settled/);
  ledger.audit(found(2, 3));
});

test("[crash/accounting] a message that was missing once must not come back later", () => {
  const ledger = confirmedLedger();
  ledger.audit(found(1, 2, 3));
  const later = [1, 2, 3, 4].map((number) => ({ number, redelivered: true }));
  assert.throws(() => ledger.audit(later), /queue: message 4 is back/);
});

test("[crash/accounting] a wrong redelivered flag is found", () => {
  const ledger = confirmedLedger();
  ledger.deliveryRecorded(1);
  assert.throws(() => ledger.audit(found(1, 2, 3)), /message 1 is marked redelivered=false/);
  const all = [1, 2, 3].map((number) => ({ number, redelivered: true }));
  assert.throws(() => confirmedLedger().audit(all), /message 1 is marked redelivered=true/);
});
