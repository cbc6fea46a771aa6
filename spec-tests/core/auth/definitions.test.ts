import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compositeId, Definitions, InvalidDefinitionError, StoredFields } from "../../../src/core/definitions.ts";
import type { Store } from "../../../src/core/ports.ts";

test("a definition goes to the store, and whoever commits is told of each change", () => {
  const log: unknown[] = [];
  const store = {
    putDefinition: (...put: unknown[]) => log.push(["put", ...put]),
    deleteDefinition: (...deleted: unknown[]) => log.push(["delete", ...deleted]),
  } as unknown as Store;
  const definitions = new Definitions(store, () => log.push("changed"));
  definitions.put("user", "u", { name: "u" });
  definitions.delete("user", "u");
  assert.deepEqual(log, [["put", "user", "u", { name: "u" }], "changed", ["delete", "user", "u"], "changed"]);
});

test("distinct names make distinct composite ids", () => {
  const names = fc.array(fc.string({ maxLength: 4, unit: fc.constantFrom("1", ":", "a", "\0") }), { maxLength: 3 });
  fc.assert(
    fc.property(names, names, (a, b) => {
      assert.equal(compositeId(...a) === compositeId(...b), JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

test("a stored definition of another shape is refused with its kind and id", () => {
  const fields = new StoredFields("queue", "q", { name: "q", durable: true, tags: ["a"], wrong: [1] });
  assert.equal(fields.string("name"), "q");
  assert.equal(fields.boolean("durable"), true);
  assert.deepEqual(fields.strings("tags"), ["a"]);
  for (const read of [
    () => fields.string("durable"),
    () => fields.string("missing"),
    () => fields.string("toString"),
    () => fields.boolean("name"),
    () => fields.strings("wrong"),
    () => new StoredFields("queue", "q", null),
    () => new StoredFields("queue", "q", ["name"]),
  ]) {
    assert.throws(read, (error) => error instanceof InvalidDefinitionError && error.message.includes("queue 'q'"));
  }
});
