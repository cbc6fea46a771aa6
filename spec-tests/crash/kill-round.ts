import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { LeveretProcess } from "../cli/leveret-process.ts";
import { SeededRandom } from "../fuzz/seeded-random.ts";
import type { Role } from "./roles.ts";

const POLL_MILLISECONDS = 2;
const LOG_END_CHARACTERS = 3_000;

/** The randomness of a crash test. It replays moments, sizes and choices of a run, though not the machine's timing. */
export function crashRandom(tell: (seed: string) => void): SeededRandom {
  const seed = Number(process.env["LEVERET_CRASH_SEED"] ?? SeededRandom.anySeed());
  tell(`LEVERET_CRASH_SEED=${seed}`);
  return new SeededRandom(seed);
}

/** When a broker is ended. */
export interface Ending {
  /** How long after that. */
  readonly milliseconds: number;
  /** Whether everybody has got to work; at once unless told. */
  readonly begun?: () => boolean;
  readonly signal?: NodeJS.Signals;
}

/**
 * Lets everybody loose on a broker and ends it after a time. Rejects when somebody finds a promise broken, or has to
 * give up before the end.
 */
export async function killDuring(
  roles: readonly Role[],
  { leveret, url }: { readonly leveret: LeveretProcess; readonly url: string },
  { milliseconds, begun = () => true, signal = "SIGKILL" }: Ending,
): Promise<void> {
  let ending = false;
  const running = roles.map(async (role) => {
    try {
      await role(url);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      if (!ending) throw new Error(`before the kill; the broker's log ends with\n${logEnd(leveret)}`, { cause: error });
    }
  });
  const everybody = Promise.all(running);
  const time = async (): Promise<void> => {
    while (!begun()) await sleep(POLL_MILLISECONDS);
    await sleep(milliseconds);
  };
  await Promise.race([everybody, time()]);
  ending = true;
  leveret.signal(signal);
  await leveret.ended;
  await everybody;
}

function logEnd(leveret: LeveretProcess): string {
  return (leveret.stdout + leveret.stderr).slice(-LOG_END_CHARACTERS);
}
