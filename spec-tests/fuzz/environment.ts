import { SeededRandom } from "./seeded-random.ts";

/** Which cases to run: LEVERET_FUZZ_CASES of them, or LEVERET_FUZZ_CASE alone, from LEVERET_FUZZ_SEED or any seed. */
export interface FuzzSettings {
  readonly seed: number;
  readonly first: number;
  readonly last: number;
}

export function fuzzSettings(defaultCases: number): FuzzSettings {
  const seed = Number(process.env["LEVERET_FUZZ_SEED"] ?? SeededRandom.anySeed());
  const only = process.env["LEVERET_FUZZ_CASE"];
  if (only !== undefined) return { seed, first: Number(only), last: Number(only) };
  return { seed, first: 1, last: Number(process.env["LEVERET_FUZZ_CASES"] ?? defaultCases) };
}
