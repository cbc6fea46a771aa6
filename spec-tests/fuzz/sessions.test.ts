import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startTestBroker } from "../support/test-broker.ts";
import { fuzzSettings } from "./environment.ts";
import { FuzzRun } from "./fuzz-run.ts";

const CASES = 400;
const MEBIBYTE = 2 ** 20;
const GROWTH_BYTES_MAX = 32 * MEBIBYTE;
const TURNS_MAX = 1_000;

async function startRun(t: TestContext, seed: number): Promise<FuzzRun> {
  t.diagnostic(`LEVERET_FUZZ_SEED=${seed}`);
  const testBroker = startTestBroker();
  t.after(() => testBroker.close());
  return FuzzRun.start({
    connect: async () => testBroker.connect(),
    seed,
    afterCase: async () => {
      for (let turn = 0; testBroker.broker.connectionCount > 1 && turn < TURNS_MAX; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(testBroker.broker.connectionCount, 1, "connections besides the canary's");
    },
  });
}

test("[fuzz] the recorded sessions themselves are served to their end", async (t) => {
  const run = await startRun(t, fuzzSettings(CASES).seed);
  await run.replayUnchanged();
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
