import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startTestBroker } from "../support/test-broker.ts";
import { fuzzSettings } from "./environment.ts";
import { FuzzRun } from "./fuzz-run.ts";

const CASES = 400;
const MEBIBYTE = 2 ** 20;
const GROWTH_BYTES_MAX = 16 * MEBIBYTE;
const TURNS_MAX = 1_000;
/** What a broker in this process needs to read, commit and answer. */
const TURNS_TO_ANSWER = 3;
const RECORDED_SESSIONS = 5;
/** One of them asks for a queue that is missing. */
const CHANNELS_CLOSED = 1;

async function startRun(t: TestContext, seed: number): Promise<FuzzRun> {
  t.diagnostic(`LEVERET_FUZZ_SEED=${seed}`);
  const testBroker = startTestBroker();
  t.after(() => testBroker.close());
  return FuzzRun.start({
    connect: async () => testBroker.connect(),
    seed,
    pause: async () => {
      for (let turn = 0; turn < TURNS_TO_ANSWER; turn++) await nextTurn();
    },
    afterCase: async () => {
      for (let turn = 0; testBroker.broker.connectionCount > 1 && turn < TURNS_MAX; turn++) {
        await nextTurn();
      }
      assert.equal(testBroker.broker.connectionCount, 1, "connections besides the canary's");
    },
  });
}

test("[fuzz] the recorded sessions themselves are served to their end", async (t) => {
  const run = await startRun(t, fuzzSettings(CASES).seed);
  const answers = (await run.replayUnchanged()).flat();
  const count = (name: string): number => answers.filter((answer) => answer === name).length;
  const closes = [count("connection.close"), count("channel.close"), count("connection.close-ok")];
  assert.deepEqual(closes, [0, CHANNELS_CLOSED, RECORDED_SESSIONS]);
  await run.stop();
});

test("[fuzz] random octets and mutated sessions get the right close or a dropped socket, and bother nobody else", async (t) => {
  const { seed, first, last } = fuzzSettings(CASES);
  const run = await startRun(t, seed);
  const warmUp = Math.min(last, first + Math.floor((last - first) / 4));
  await run.run(first, warmUp);
  const before = usedBytes();
  await run.run(warmUp + 1, last);
  const growth = usedBytes() - before;
  t.diagnostic(
    `${last - first + 1} cases; memory grew by ${(growth / MEBIBYTE).toFixed(1)} MiB in the last three quarters`,
  );
  assert.ok(growth < GROWTH_BYTES_MAX, `memory grew by ${growth} octets`);
  await run.stop();
});

/** Octets in use on the heap and in buffers, garbage collected before. */
function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
