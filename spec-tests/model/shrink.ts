/** Most attempts to make a list shorter. */
const ATTEMPTS_MAX = 2_000;

/** A part of `items`, in their order, for which `fails` still holds, and which becomes no shorter by taking out pieces. */
export async function shrink<Item>(
  items: readonly Item[],
  fails: (some: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let best = items;
  let attempts = 0;
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < best.length && attempts < ATTEMPTS_MAX; ) {
      const without = [...best.slice(0, start), ...best.slice(start + size)];
      attempts++;
      if (await fails(without)) best = without;
      else start += size;
    }
  }
  return best;
}
