import { getSystemErrorName } from "node:util";

/** The data directory holds something this version cannot read: a newer format, another program's files, damage. */
export class StoreFormatError extends Error {
  override readonly name = "StoreFormatError";
}

/** A commit that did not become durable. The store keeps what it held for the next one. */
export class StoreCommitError extends Error {
  override readonly name = "StoreCommitError";
  /** The operating system's name of the reason, e.g. `ENOSPC` or `EFBIG`; undefined when LMDB gave one of its own. */
  readonly code: string | undefined;

  constructor(cause: unknown) {
    super(`commit failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.code = systemErrorName(cause);
  }
}

/** Node's errors carry a name (`ENOSPC`), lmdb's a number: positive from the system, negative LMDB's own. */
function systemErrorName(cause: unknown): string | undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (typeof code === "string") return code;
  return typeof code === "number" && code > 0 ? getSystemErrorName(-code) : undefined;
}
