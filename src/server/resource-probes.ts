import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/** Octets of memory this process may use: all the machine has, or the limit of its control group (container). */
export function usableMemoryBytes(): number {
  const groupBytes = process.constrainedMemory();
  return groupBytes > 0 ? Math.min(groupBytes, totalmem()) : totalmem();
}

/**
 * Octets V8 holds for objects and buffers, garbage that is not collected included.
 *
 * Not the resident memory of the process: that has pages of LMDB's file, which are the kernel's to drop, and memory
 * that malloc keeps for reuse after everything in it was freed. With it an alarm could outlast its cause for ever; and
 * what malloc keeps is never more than V8 has held before, so that it is limited together with what V8 holds.
 */
export function usedMemoryBytes(): number {
  const { total_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return heapBytes + externalBytes;
}

/** Octets that may still be written to the file system of `directory`, without privileges. */
export async function freeDiskBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
