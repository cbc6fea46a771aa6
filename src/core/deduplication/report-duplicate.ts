import type { CommitBarrier } from "../commit-barrier.ts";
import type { Message } from "../message.ts";
import type { Receipt } from "../receipt.ts";

/**
 * Tells the publisher of a duplicate that its message is safe, which is true as soon as the first copy is: when all
 * that the broker has taken so far is durable. While the store cannot write nothing is promised.
 */
export function reportDuplicate(
  message: Message,
  receipt: Receipt | undefined,
  publishSequence: number,
  barrier: CommitBarrier,
): void {
  if (receipt === undefined) return;
  if (!message.persistent) receipt.stored(publishSequence);
  else if (barrier.failing) receipt.refused(publishSequence);
  else barrier.whenDurable(() => receipt.stored(publishSequence));
}
