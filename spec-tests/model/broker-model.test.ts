import { test } from "node:test";
import { silentLogger } from "../../src/lib/logger.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { MemoryState } from "../../src/store/memory-state.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { SeededRandom } from "../fuzz/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { Generator } from "./generate.ts";
import type { OpenStore } from "./live-broker.ts";
import { Ambiguity } from "./model-broker.ts";
import type { Step } from "./operation.ts";
import { Play } from "./play.ts";
import { PROFILES, type Profile } from "./profiles.ts";
import { shrink } from "./shrink.ts";

/** How many random runs each profile gets; `npm run seeds` asks for more. */
const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 2);
const STEPS = Number(process.env["LEVERET_MODEL_STEPS"] ?? 400);

/** Syncs the disk for every commit, and so takes long. */
const STEPS_ON_DISK = 100;

for (const [name, profile] of Object.entries(PROFILES)) {
  test(`[model] the broker equals plain lists: ${name}`, async (context) => {
    let ambiguous = 0;
    for (let run = 0; run < RUNS; run++) {
      if (await isAmbiguous(profile, STEPS, memoryStore)) ambiguous++;
    }
    context.diagnostic(`${RUNS} runs, of which ${ambiguous} ended early`);
  });
}

test("[model] the broker equals plain lists: everything, on disk", async (context) => {
  await isAmbiguous(PROFILES["everything"] as Profile, STEPS_ON_DISK, () => {
    const directory = temporaryDirectory(context);
    return () => openLmdbStore({ directory, logger: silentLogger });
  });
});

/** Plays a random run; true when it ended early because the model could not tell what comes first. */
async function isAmbiguous(profile: Profile, stepCount: number, newStore: () => OpenStore): Promise<boolean> {
  const seed = Number(process.env["LEVERET_MODEL_SEED"] ?? SeededRandom.anySeed());
  const steps = new Generator(new SeededRandom(seed), profile).steps(stepCount);
  const failure = await failureOf(steps, newStore());
  if (failure === undefined || failure instanceof Ambiguity) return failure !== undefined;
  const fewer = await shrink(steps, async (some) => isDefect(await failureOf(some, newStore())));
  console.error(`replay with LEVERET_MODEL_SEED=${seed}; ${fewer.length} of its steps fail:`);
  for (const step of fewer) console.error(JSON.stringify(step));
  throw (await failureOf(fewer, newStore())) ?? failure;
}

function isDefect(failure: unknown): boolean {
  return failure !== undefined && !(failure instanceof Ambiguity);
}

/** What is thrown when the steps are played; undefined: nothing. */
async function failureOf(steps: readonly Step[], openStore: OpenStore): Promise<unknown> {
  const play = new Play(openStore);
  try {
    for (const step of steps) await play.step(step);
    await play.clear();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await play.end();
  }
}

/** A store in memory, and what a restart finds in it. */
function memoryStore(): OpenStore {
  const state = new MemoryState();
  return () => new MemoryStore(state);
}
