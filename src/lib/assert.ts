/** Thrown when something that must always hold does not: a defect of the broker, never of its input. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Asserts, in production too, that `condition` holds; throws {@link AssertionError} otherwise. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
