import assert from "node:assert/strict";
import { test } from "node:test";
import { startLeveret } from "../cli/leveret-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { amqp10Mover, STAGES } from "./amqp10-mover.ts";
import { declareQueues, inspectQueue, withConnection } from "./inspection.ts";
import { crashRandom, killDuring } from "./kill-round.ts";
import { QueueLedger } from "./queue-ledger.ts";
import { producer } from "./roles.ts";
import { TransferLedger } from "./transfer-ledger.ts";

/** Each stage of a transaction is cut short several times. */
const KILLS = Number(process.env["LEVERET_CRASH_KILLS"] ?? 2 * STAGES.length);
const TRANSACTIONS_MAX = 12;
const DISCHARGING_MILLISECONDS_MAX = 5;

test("[crash/amqp10] after kill -9 what a transaction of AMQP 1.0 did has happened as a whole if it was committed, and else not at all", async (t) => {
  const random = crashRandom((seed) => t.diagnostic(seed));
  const transfer = new TransferLedger(new QueueLedger("source", true), [
    new QueueLedger("left", false),
    new QueueLedger("right", false),
  ]);
  const ledgers = [transfer.source, ...transfer.targets];
  const args = ["--data-dir", temporaryDirectory(t), "--log-level", "info"];
  let running = await startLeveret(t, args);
  await withConnection(running.url, (connection) =>
    declareQueues(
      connection,
      ledgers.map(({ queue }) => queue),
    ),
  );
  for (let round = 0; round < KILLS; round++) {
    const stage = STAGES[round % STAGES.length] as (typeof STAGES)[number];
    let isThere = false;
    const reached = (): void => {
      isThere = true;
    };
    const stop = { stage, after: random.integer(0, TRANSACTIONS_MAX), reached };
    const roles = [producer(transfer.source, random.fork()), amqp10Mover(transfer, random.fork(), stop)];
    const milliseconds = stage === "discharging" ? random.integer(0, DISCHARGING_MILLISECONDS_MAX) : 0;
    await killDuring(roles, running, { milliseconds, begun: () => isThere });
    running = await startLeveret(t, args);
    await withConnection(running.url, async (connection) => {
      for (const ledger of ledgers) await inspectQueue(connection, ledger, false);
    });
    if (stage !== "discharging") assert.equal(transfer.movedCount, 0, `${stage}: nothing of it has happened`);
    transfer.audit();
  }
  t.diagnostic(`${transfer.targets[0].confirmedCount} messages moved, ${KILLS} kills`);
  running.leveret.signal("SIGTERM");
  assert.equal(await running.leveret.ended, 0);
});
