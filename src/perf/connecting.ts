/** Connections that are opened at one time, so that none waits for long in the listener's backlog. */
const OPENING_MAX = 50;

/** Calls `open` with 0 to `count` - 1, a limited number at a time; resolves with the results in order. */
export async function openAll<T>(count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  while (opened.length < count) {
    const first = opened.length;
    const together = Math.min(OPENING_MAX, count - first);
    opened.push(...(await Promise.all(Array.from({ length: together }, (_, index) => open(first + index)))));
  }
  return opened;
}
