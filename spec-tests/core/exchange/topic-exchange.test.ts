import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Destination } from "../../../src/core/exchange/exchange.ts";
import type { Target } from "../../../src/core/exchange/target.ts";
import { TopicTrie } from "../../../src/core/exchange/topic-trie.ts";
import { bind, exchange, matched, message, namesOf, queue } from "./fixtures.ts";

/** The rule itself, word by word. */
function matchesNaively(pattern: string, key: string): boolean {
  const patternWords = pattern === "" ? [] : pattern.split(".");
  const keyWords = key === "" ? [] : key.split(".");
  const from = (p: number, k: number): boolean => {
    if (p === patternWords.length) return k === keyWords.length;
    if (patternWords[p] === "#") return from(p + 1, k) || (k < keyWords.length && from(p, k + 1));
    if (k === keyWords.length) return false;
    return (patternWords[p] === "*" || patternWords[p] === keyWords[k]) && from(p + 1, k + 1);
  };
  return from(0, 0);
}

const RULES: readonly (readonly [rule: string, pattern: string, matching: string[], others: string[]])[] = [
  ["a word matches itself", "a.b", ["a.b"], ["a", "a.b.c", "a.c", "a.", ""]],
  ["'*' is exactly one word", "a.*", ["a.b", "a.c"], ["a", "a.b.c", "b.a"]],
  ["'*' may be an empty word", "a.*", ["a."], ["a"]],
  ["the empty key has no word for '*'", "*", ["a"], ["", "a.b", "."]],
  ["'#' is zero or more words", "a.#", ["a", "a.b", "a.b.c", "a."], ["b", "", "ab"]],
  ["'#' alone is everything", "#", ["", "a", "a.b", ".", "..."], []],
  ["'#' may stand in the middle", "a.#.z", ["a.z", "a.b.z", "a.b.c.z", "a.z.z"], ["a", "z", "a.z.b"]],
  ["'#.*' is one word or more", "#.*", ["a", "a.b"], [""]],
  ["'*.#' is one word or more", "*.#", ["a", "a.b"], [""]],
  ["'#.#' is '#'", "#.#", ["", "a", "a.b"], []],
  ["the empty pattern is the empty key", "", [""], ["a", "."]],
  ["empty words are words", ".", ["."], ["", "..", "a"]],
  ["a wildcard within a word is a literal", "a*.#b", ["a*.#b"], ["ab.b", "a.b"]],
];

describe("[basic.publish/topic]", () => {
  for (const [rule, pattern, matching, others] of RULES) {
    test(`${rule}: '${pattern}'`, () => {
      const x = exchange("topic", "x");
      bind(x, queue("q"), pattern);
      for (const key of matching) assert.deepEqual(matched(x, message(key)), ["q"], `'${key}' must match`);
      for (const key of others) assert.deepEqual(matched(x, message(key)), [], `'${key}' must not match`);
    });
  }

  test("any set of patterns matches as the rule says, one by one, after removals too", () => {
    const word = fc.constantFrom("a", "b", "c", "");
    const key = fc.array(word, { maxLength: 6 }).map((words) => words.join("."));
    const pattern = fc
      .array(fc.oneof(word, fc.constantFrom("*", "#", "#")), { maxLength: 6 })
      .map((words) => words.join("."));
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 12 }),
        fc.array(key, { minLength: 1, maxLength: 8 }),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        (patterns, keys, removed) => {
          const trie = new TopicTrie();
          const targets: Destination[] = patterns.map((_, index) => queue(String(index)));
          patterns.forEach((each, index) => {
            trie.add(each, targets[index]!);
          });
          const check = (isThere: (index: number) => boolean) => {
            for (const each of keys) {
              const found = new Set<Target>();
              trie.match(each, found);
              const expected = targets.filter((_, index) => isThere(index) && matchesNaively(patterns[index]!, each));
              assert.deepEqual(namesOf(found), namesOf(expected), `key '${each}'`);
            }
          };
          check(() => true);
          patterns.forEach((each, index) => {
            if (removed[index]!) trie.remove(each, targets[index]!);
          });
          check((index) => !removed[index]!);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("a pattern with many '#' does not blow up", () => {
    const x = exchange("topic", "x");
    bind(x, queue("q"), `${"#.a.".repeat(50)}#.b`);
    assert.deepEqual(matched(x, message("a.".repeat(120).slice(0, -1))), []);
    assert.deepEqual(matched(x, message(`${"a.".repeat(120)}b`)), ["q"]);
  });

  test("100,000 bindings are matched without looking at each, and removed again", () => {
    const x = exchange("topic", "x");
    const queues = Array.from({ length: 1000 }, (_, index) => queue(`q${index}`));
    for (let i = 0; i < 100_000; i++) bind(x, queues[i % 1000]!, `device.${i}.*.#`);
    bind(x, queue("all"), "device.#");
    assert.equal(x.bindingCount, 100_001);
    for (let i = 0; i < 100_000; i += 7) {
      assert.deepEqual(matched(x, message(`device.${i}.up.now`)), ["all", `q${i % 1000}`]);
    }
    for (const each of queues) assert.equal(x.unbindTarget(each).length, 100);
    assert.equal(x.bindingCount, 1);
    assert.deepEqual(matched(x, message("device.7.up")), ["all"]);
  });
});
