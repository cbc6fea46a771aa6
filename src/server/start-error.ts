/** The server cannot start for a reason its operator can remove; the message says which and how. */
export class StartError extends Error {
  override readonly name = "StartError";
}
