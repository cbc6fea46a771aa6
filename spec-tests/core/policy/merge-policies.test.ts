import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergePolicies } from "../../../src/core/policy/merge-policies.ts";
import { POLICY_KEYS } from "../../../src/core/policy/policy-keys.ts";
import type { PolicyValue } from "../../../src/core/policy-values.ts";

const LOWER = [
  "expires",
  "message-ttl",
  "max-length",
  "max-length-bytes",
  "max-in-memory-length",
  "max-in-memory-bytes",
  "delayed-retry-max",
];
const HIGHER = ["delayed-retry-min", "target-group-size"];
const OPERATORS = ["overflow", "queue-version", "delayed-retry-type"];

const number = fc.integer({ min: 0, max: 100 });
const overflow = fc.constantFrom("drop-head", "reject-publish", "reject-publish-dlx");

/** A definition of numbers and overflow, and for the user's of keys that the operator cannot have. */
function definitions(usersOwn: boolean): fc.Arbitrary<Map<string, PolicyValue>> {
  const keys = Object.fromEntries([...LOWER, ...HIGHER, "queue-version"].map((key) => [key, number]));
  const own = usersOwn ? { "dead-letter-exchange": fc.string(), "delayed-message": fc.boolean() } : {};
  return fc
    .record({ ...keys, overflow, "delivery-limit": fc.integer({ min: -3, max: 5 }), ...own }, { requiredKeys: [] })
    .map((record) => new Map(Object.entries(record as Record<string, PolicyValue>)));
}

test("[operator-policy/merge] every key comes out as its rule says, and no other key", () => {
  fc.assert(
    fc.property(definitions(true), definitions(false), (user, operator) => {
      const merged = mergePolicies(user, operator);
      assert.deepEqual(new Set(merged.keys()), new Set([...user.keys(), ...operator.keys()]));
      for (const [key, value] of merged) {
        const [mine, theirs] = [user.get(key), operator.get(key)];
        if (mine === undefined || theirs === undefined) assert.equal(value, mine ?? theirs, key);
        else if (LOWER.includes(key)) assert.equal(value, Math.min(mine as number, theirs as number), key);
        else if (HIGHER.includes(key)) assert.equal(value, Math.max(mine as number, theirs as number), key);
        else if (OPERATORS.includes(key)) assert.equal(value, theirs, key);
        else assert.equal(value, deliveryLimit(mine as number, theirs as number), key);
      }
    }),
  );
});

/** Of limits the lower; negative means none, and none is the weaker; the least negative number stands for none. */
function deliveryLimit(mine: number, theirs: number): number {
  const limits = [mine, theirs].filter((limit) => limit >= 0);
  return limits.length === 0 ? Math.max(mine, theirs) : Math.min(...limits);
}

test("[operator-policy/merge] neither definition is changed", () => {
  const user = new Map<string, PolicyValue>([["max-length", 5]]);
  const operator = new Map<string, PolicyValue>([["max-length", 3]]);
  assert.deepEqual([...mergePolicies(user, operator)], [["max-length", 3]]);
  assert.deepEqual([user.get("max-length"), operator.get("max-length")], [5, 3]);
});

test("[operator-policy/merge] a rule is known for every key an operator policy can have", () => {
  const mergeable = [...POLICY_KEYS.values()].filter(({ merge }) => merge !== undefined).map(({ name }) => name);
  assert.deepEqual(mergeable.sort(), [...LOWER, ...HIGHER, ...OPERATORS, "delivery-limit"].sort());
});
