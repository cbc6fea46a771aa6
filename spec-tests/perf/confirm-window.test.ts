import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ConfirmWindow } from "../../src/perf/confirm-window.ts";

const SIZE = 10;

/** A publish of some messages, or a confirm of one that is picked by number. */
const step = fc.oneof(
  fc.record({ publish: fc.integer({ min: 1, max: SIZE }) }),
  fc.record({ pick: fc.nat(), multiple: fc.boolean() }),
);

test("[perf/confirms] every message is settled once, in whatever order confirms come", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const window = new ConfirmWindow(SIZE);
      const outstanding = new Set<number>();
      let last = 0;
      for (const one of steps) {
        if ("publish" in one) {
          // As a publisher does: never beyond the oldest unconfirmed message by more than the window holds.
          const count = Math.min(one.publish, window.room);
          for (let index = 0; index < count; index++) outstanding.add(++last);
          if (count > 0) window.published(count);
        } else if (outstanding.size > 0) {
          const tag = [...outstanding][one.pick % outstanding.size] as number;
          const settled = [...outstanding].filter((other) => (one.multiple ? other <= tag : other === tag));
          for (const other of settled) outstanding.delete(other);
          assert.equal(window.settle(tag, one.multiple), settled.length);
          assert.equal(window.settle(tag, one.multiple), 0, "a second time settles nothing");
        }
        assert.equal(window.outstanding, outstanding.size);
        for (let tag = 1; tag <= last; tag++) assert.equal(window.isOutstanding(tag), outstanding.has(tag));
      }
    }),
  );
});

test("[perf/confirms] a confirm of what was not published ends the run", () => {
  const window = new ConfirmWindow(SIZE);
  window.published(3);
  assert.throws(() => window.settle(4, false), { name: "PerfError", message: /confirmed 4/ });
});
