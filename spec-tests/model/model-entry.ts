import type { ModelMessage, Reason } from "./model-message.ts";

/** A message in a queue. */
export interface Entry {
  readonly message: ModelMessage;
  /** Grows in the order of arrival. */
  readonly number: number;
  readonly priority: number;
  readonly expiresAt: number;
  readonly survives: boolean;
  /** "leaving": it has died, and is on its way. */
  state: "ready" | "unacked" | "held" | "leaving";
  redelivered: boolean;
  /** When it came back to a quorum queue. */
  turn: number;
  acquired: number;
  failed: number;
  /** A consumer has failed on it in a queue that does not count; a restart forgets it. */
  hasFailed: boolean;
  /** Before this time it is not ready again. */
  dueAt: number;
  /** When a held one is looked at again. */
  heldUntil: number;
  deathReason: Reason | undefined;
  /** In a queue that takes a message only when there is none of that key in it. */
  key: string | undefined;
}

/** A message that waits for its x-delay to pass. */
export interface Delayed {
  readonly message: ModelMessage;
  readonly dueAt: number;
  /** As of an {@link Entry}. */
  key: string | undefined;
}

/** Keeps a message back. */
export function hold(entry: Entry, until: number): void {
  entry.state = "held";
  entry.heldUntil = until;
}

/** Removes what is due from `list` and returns it in the order of time, then of arrival. */
export function takeDue(list: Delayed[], now: number): Delayed[] {
  const due = list.filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt);
  for (const each of due) list.splice(list.indexOf(each), 1);
  return due;
}

/** Octets of their bodies. */
export function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { message }) => sum + message.body.length, 0);
}

/** Returned messages of a quorum queue come first, in the order of return; else higher priorities, then older ones. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) =>
    a.turn === b.turn ? b.priority - a.priority || a.number - b.number : a.turn - b.turn,
  );
}
