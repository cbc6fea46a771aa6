import assert from "node:assert/strict";
import { test } from "node:test";
import { Amqp10Error } from "../../src/amqp10/error-condition.ts";
import type { SelectorValue } from "../../src/amqp10/selector/expressions.ts";
import { parseSelector } from "../../src/amqp10/selector/parser.ts";

const MESSAGE: Readonly<Record<string, SelectorValue>> = {
  a: 1,
  b: 2.5,
  text: "o'clock",
  flag: true,
  under_score: "50%",
};

function evaluate(selector: string): SelectorValue {
  return parseSelector(selector)((identifier) => MESSAGE[identifier]);
}

for (const [selector, expected] of [
  ["a = 1", true],
  ["a <> 1", false],
  ["a + b * 2 = 6", true],
  ["(a + b) * 2 = 7", true],
  ["-a < +b", true],
  ["a BETWEEN 1 AND 2 AND b NOT BETWEEN 3 AND 4", true],
  ["text = 'o''clock'", true],
  ["text LIKE 'o%k'", true],
  ["text LIKE 'o_clock'", true],
  ["text NOT LIKE '%z%'", true],
  ["under_score LIKE '50\\%' ESCAPE '\\'", true],
  ["under_score LIKE '5\\%' ESCAPE '\\'", false],
  ["text IN ('x', 'o''clock')", true],
  ["text NOT IN ('x')", true],
  ["flag", true],
  ["NOT flag", false],
  ["flag = TRUE AND NOT FALSE", true],
  ["missing IS NULL AND a IS NOT NULL", true],
  ["missing = 1", undefined],
  ["NOT (missing = 1)", undefined],
  ["missing = 1 OR a = 1", true],
  ["missing = 1 AND a = 2", false],
  ["a = '1'", false],
  ["text > 'a'", false],
  ["1e1 = 10 AND .5 = 0.5", true],
  ["a = 1 or a = 2 and a = 3", true],
] as const) {
  test(`[selector] ${selector} is ${expected}`, () => assert.equal(evaluate(selector), expected));
}

for (const selector of [
  "",
  "a =",
  "a = 1 b",
  "(a = 1",
  "a LIKE b",
  "a IN ()",
  "a ? 1",
  "'open",
  "a NOT 1",
  "a LIKE 'x' ESCAPE 'yz'",
]) {
  test(`[selector] ${JSON.stringify(selector)} is none`, () =>
    assert.throws(() => parseSelector(selector), Amqp10Error));
}

test("[selector] nesting and length are limited, and LIKE takes no exponential time", () => {
  assert.throws(() => parseSelector(`${"(".repeat(10_000)}a${")".repeat(10_000)}`), Amqp10Error);
  assert.throws(() => parseSelector(`${"-".repeat(5_000)}a = 1`), Amqp10Error);
  assert.throws(() => parseSelector(`a = '${"x".repeat(10_000)}'`), Amqp10Error);
  const expression = parseSelector(`text LIKE '${"%a".repeat(100)}%'`);
  assert.equal(
    expression(() => "a".repeat(50) + "b".repeat(5_000)),
    false,
  );
});

test("[selector] LIKE gives up on a pattern that takes thousands of comparisons a character, and on a very long text", () => {
  const expression = parseSelector(`text LIKE '%${"a".repeat(4_000)}b'`);
  assert.equal(
    expression(() => "a".repeat(60_000)),
    undefined,
  );
  assert.equal(
    expression(() => "a".repeat(100_000)),
    undefined,
  );
  const ordinary = parseSelector("text LIKE '%a_c%d'");
  assert.equal(
    ordinary(() => `${"xa".repeat(30_000)}bc${"y".repeat(2_000)}d`),
    true,
  );
});
