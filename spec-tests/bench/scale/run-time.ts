import type { Effort } from "./dimension.ts";

const SECONDS: Readonly<Record<Effort, number>> = { quick: 0.2, normal: 2, full: 4 };
const WARMUP_SECONDS: Readonly<Record<Effort, number>> = { quick: 0, normal: 0.5, full: 1 };

/** Options of `leveret perf` for a run that ends after some time. */
export function timed(effort: Effort): readonly (string | number)[] {
  return ["--duration", SECONDS[effort], "--warmup", WARMUP_SECONDS[effort]];
}
