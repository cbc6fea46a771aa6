/** A command line is malformed; the message is fit to be shown to whoever wrote it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
