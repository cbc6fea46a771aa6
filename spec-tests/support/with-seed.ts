import { SeededRandom } from "../fuzz/seeded-random.ts";

/**
 * Plays with random numbers that follow from the seed in LEVERET_MODEL_SEED, or from one that nobody chose. When that
 * fails the seed is printed, so that it can be replayed.
 */
export async function withSeed(play: (random: SeededRandom) => Promise<void>): Promise<void> {
  const seed = Number(process.env["LEVERET_MODEL_SEED"] ?? SeededRandom.anySeed());
  try {
    await play(new SeededRandom(seed));
  } catch (error) {
    console.error(`replay with LEVERET_MODEL_SEED=${seed}`);
    throw error;
  }
}
