import type { TestContext } from "node:test";

const pending = new WeakMap<TestContext, (() => Promise<unknown>)[]>();

/** Does `work` when the test is over, last registered first, so that a connection outlives what was made over it. */
export function cleanUp(test: TestContext, work: () => Promise<unknown>): void {
  const registered = pending.get(test);
  if (registered !== undefined) {
    registered.push(work);
    return;
  }
  const stack = [work];
  pending.set(test, stack);
  test.after(async () => {
    for (const next of stack.reverse()) await next();
  });
}
