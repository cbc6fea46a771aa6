/** A run cannot start or go on for a reason outside of it: the broker cannot be reached, refuses, or hangs up. */
export class PerfError extends Error {
  override readonly name = "PerfError";
}
