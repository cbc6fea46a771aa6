/** A run cannot start or go on for a reason outside of it: the broker cannot be reached, refuses, or hangs up. */
export class PerfError extends Error {
  override readonly name: string = "PerfError";
}

/** An option has a value that is not allowed. */
export class OptionError extends PerfError {
  override readonly name = "OptionError";
}
