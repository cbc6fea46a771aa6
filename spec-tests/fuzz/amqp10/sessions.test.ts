import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { serveAmqp10 } from "../../../src/amqp10/connection.ts";
import { duplexPair } from "../../../src/lib/duplex-pair.ts";
import { LOCAL_PEER, startTestBroker, type TestBroker } from "../../support/test-broker.ts";
import { attack } from "../attack.ts";
import { Canary } from "../canary.ts";
import { fuzzSettings } from "../environment.ts";
import { SeededRandom } from "../seeded-random.ts";
import { checkAnswer } from "./answer.ts";
import { fuzzCase } from "./mutations.ts";
import { recordSessions } from "./recorded-sessions.ts";

const CASES = 200;
const TURNS_MAX = 1_000;
const TURNS_TO_ANSWER = 3;
/** Spreads the numbers of a run's cases over all seeds (the golden ratio of 2^32). */
const CASE_SEED_STEP = 0x9e3779b1;
/** The longest that one case may keep everybody else waiting. */
const CASE_MILLISECONDS_MAX = 2_000;

test("[fuzz] random values and mutated sessions of AMQP 1.0 get an answer or a dropped socket, and bother nobody else", async (t) => {
  const { seed, first, last } = fuzzSettings(CASES);
  t.diagnostic(`LEVERET_FUZZ_SEED=${seed}`);
  const testBroker = start(t);
  const sessions = await recordSessions(async () => connect(testBroker));
  await allGone(testBroker, 0);
  let replay = "";
  const report = (): void => t.diagnostic(replay);
  process.on("uncaughtExceptionMonitor", report);
  t.after(() => process.removeListener("uncaughtExceptionMonitor", report));
  const canary = await Canary.start(testBroker.connect());
  for (let index = first; index <= last; index++) {
    const random = new SeededRandom(seed + index * CASE_SEED_STEP);
    const { pieces, description } = fuzzCase(sessions, random);
    replay = `LEVERET_FUZZ_SEED=${seed} LEVERET_FUZZ_CASE=${index} (${description})`;
    try {
      const startedAt = performance.now();
      checkAnswer(await attack({ stream: connect(testBroker), pieces, random, pause }));
      await canary.beat();
      await allGone(testBroker, 1);
      assert.ok(performance.now() - startedAt < CASE_MILLISECONDS_MAX, "it took too long");
    } catch (error) {
      throw new Error(`${replay}: ${(error as Error).message}`, { cause: error });
    }
  }
  await canary.stop();
  await allGone(testBroker, 0);
  const { usage } = testBroker.broker;
  assert.deepEqual([usage.userConnectionCount("guest"), usage.userChannelCount("guest")], [0, 0]);
});

function start(t: TestContext): TestBroker {
  const testBroker = startTestBroker();
  t.after(() => testBroker.close());
  return testBroker;
}

function connect({ broker }: TestBroker): Duplex {
  const [client, server] = duplexPair();
  serveAmqp10(broker, server, LOCAL_PEER);
  return client;
}

async function pause(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_ANSWER; turn++) await nextTurn();
}

async function allGone({ broker }: TestBroker, count: number): Promise<void> {
  for (let turn = 0; broker.connectionCount > count && turn < TURNS_MAX; turn++) await nextTurn();
  assert.equal(broker.connectionCount, count, "connections");
}
