import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ExtentAllocator } from "../../src/store/extent-allocator.ts";

/** An extent in use. */
interface Taken {
  readonly page: number;
  readonly pageCount: number;
}

describe("extent allocator", () => {
  it("hands out no page twice, and ends with the last page in use", () => {
    const step = fc.record({ take: fc.boolean(), pageCount: fc.integer({ min: 1, max: 40 }), choice: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const extents = new ExtentAllocator();
        const taken: Taken[] = [];
        const inUse = new Set<number>();
        for (const { take, pageCount, choice } of steps) {
          if (take || taken.length === 0) {
            const page = extents.take(pageCount);
            taken.push({ page, pageCount });
            for (let number = page; number < page + pageCount; number++) {
              assert.ok(!inUse.has(number));
              inUse.add(number);
            }
          } else {
            const [given] = taken.splice(choice % taken.length, 1) as [Taken];
            for (let number = given.page; number < given.page + given.pageCount; number++) inUse.delete(number);
            extents.giveBack(given.page, given.pageCount);
          }
          assert.equal(extents.endPage, Math.max(-1, ...inUse) + 1);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("joins neighbours that are given back, in whatever order", () => {
    const extents = new ExtentAllocator();
    const pages = [0, 1, 2, 3, 4, 5].map(() => extents.take(10));
    for (const index of [1, 3, 2]) extents.giveBack(pages[index]!, 10);
    assert.equal(extents.take(30), pages[1]);
    assert.equal(extents.endPage, 60);
  });

  it("does not grow while as much is given back as is taken", () => {
    const extents = new ExtentAllocator();
    const waiting: Taken[] = [];
    let endHalfway = 0;
    for (let number = 0; number < 10_000; number++) {
      const pageCount = 1 + ((number * 7919) % 32);
      waiting.push({ page: extents.take(pageCount), pageCount });
      if (waiting.length > 100) {
        const { page, pageCount: givenCount } = waiting.splice((number * 31) % 50, 1)[0]!;
        extents.giveBack(page, givenCount);
      }
      if (number === 5000) endHalfway = extents.endPage;
    }
    assert.ok(extents.endPage < 2 * endHalfway, `${endHalfway} pages, then ${extents.endPage}`);
    assert.ok(extents.endPage < 100 * 32 * 2, `${extents.endPage} pages`);
  });
});
