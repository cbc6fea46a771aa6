import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BacktrackingSearch, BoundedExpression } from "../../src/core/pattern/bounded-expression.ts";
import { compilePattern, literalPattern } from "../../src/core/pattern/compile-pattern.ts";

const RULES: readonly (readonly [rule: string, pattern: string, found: string[], notFound: string[]])[] = [
  ["is searched for anywhere", "order", ["order", "my.orders"], ["ordinary"]],
  ["may be anchored", "^order$", ["order"], ["orders", "my.order"]],
  ["may be anchored with \\A and \\z, as in Perl", "\\Aorder\\z", ["order"], ["orders", "AorderZ"]],
  ["that is empty is found in everything", "", ["", "a"], []],
  ["takes alternatives, at the top and in groups", "^(a|b(c|d)?)$|^e$", ["a", "b", "bc", "bd", "e"], ["ab", "c", "ee"]],
  ["takes counted and lazy quantifiers", "^a{2}?(?:b{1,2}){2,}?c??$", ["aabb", "aabbbbc"], ["aab", "abbb"]],
  ["takes groups in groups that match nothing", "^((a*)*)*b$", ["b", "aab"], ["aac"]],
  ["knows words", "\\bdlq\\B.*\\b$", ["x-dlqs", "dlq2"], ["adlqs", "x-dlq"]],
  ["knows look-behind", "(?<=^|\\.)dlq(?<!x.dlq)$", ["dlq", "a.dlq"], ["adlq", "x.dlq"]],
  ["gives back what a group that failed has captured", "^(?:(a)|b)*\\1$", ["b", "aa"], ["bc"]],
  ["takes a hyphen behind a backslash", "^my\\-queue$", ["my-queue"], ["myqueue"]],
  ["takes a quantifier", "^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]],
  ["takes braces that are no quantifier as they are", "^{x}{,2}$", ["{x}{,2}"], ["x"]],
  ["takes a lone closing bracket or brace as it is", "^a]}$", ["a]}"], ["a"]],
  ["takes a bracket at the start of a class as one of its characters", "^[]a]+$", ["]a]"], ["[]"]],
  ["takes a hyphen after a set in a class as it is", "^[\\w-.]+$", ["a-b.c"], ["a/b"]],
  ["takes an opening bracket in a class as it is", "^[[a]+$", ["[a["], ["]"]],
  ["knows POSIX classes", "^[[:alpha:]_-]+[[:digit:]]$", ["a_-b1"], ["1", "a"]],
  ["ignores case after (?i)", "(?i)^Order$", ["ORDER", "order"], ["orders"]],
  ["knows look-around and groups that capture nothing", "^(?!amq\\.)(?:a|b).*$", ["a1", "b"], ["amq.x", "c"]],
  ["knows Python's named groups", "^(?P<a>x)\\1$", ["xx"], ["x"]],
  ["sees characters, not their halves", "^.$", ["é", "🐇"], ["ab"]],
  ["takes a slash as it is", "^/a$", ["/a"], ["a"]],
];

describe("a regular expression", () => {
  for (const [rule, pattern, found, notFound] of RULES) {
    test(`${rule}: ${pattern}`, () => {
      const expression = compilePattern(pattern);
      for (const name of found) assert.equal(expression.test(name), true, name);
      for (const name of notFound) assert.equal(expression.test(name), false, name);
    });
  }

  test("is refused when it is invalid, or would mean something else in JavaScript", () => {
    for (const pattern of ["(", ")", "[a", "*", "a\\", "\\Qa\\E", "a++", "(?>a)", "(?#a)", "(*ACCEPT)", "a(?i)b"]) {
      assert.throws(() => compilePattern(pattern), { name: "BrokerError", replyCode: 406 }, pattern);
    }
    assert.throws(() => compilePattern("[[:kana:]]"), {
      message: "invalid regular expression '[[:kana:]]': '[:kana:]' is not supported",
    });
  });

  test("takes bounded time, whatever it is, and finds nothing where it gives up", () => {
    const [letters, longest] = ["a".repeat(40), "a".repeat(255)];
    for (const pattern of ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){12}$", "^(?:a?){40}a{40}$", "((((a*)*)*)*)*b"]) {
      const compiled = compilePattern(pattern);
      const started = process.hrtime.bigint();
      assert.equal(compiled.test(`${letters}!`), false, pattern);
      assert.equal(compiled.test(`${longest}!`), false, pattern);
      assert(process.hrtime.bigint() - started < 2_000_000_000n, `${pattern} takes too long`);
    }
  });

  test("is matched within its bounds as JavaScript matches what it is translated to", () => {
    const unit = fc.constantFrom(
      "a",
      "b",
      ".",
      "(",
      ")",
      "(?:",
      "(?=",
      "(?!",
      "|",
      "*",
      "+",
      "?",
      "{1,2}",
      "^",
      "$",
      "\\b",
    );
    const sources = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join(""));
    const texts = fc.string({ unit: fc.constantFrom("a", "b", "-"), maxLength: 6 });
    fc.assert(
      fc.property(sources, texts, (source, text) => {
        const expected = javaScriptVerdict(source, text);
        if (expected === undefined) return;
        assert.equal(new BoundedExpression(source, "u").test(text), expected);
        assert.equal(new BacktrackingSearch(source, "u").test([...text]), expected);
      }),
      { numRuns: 5000 },
    );
  });

  test("is given up only if it looks around or refers back: others find what would take others for ever", () => {
    const longest = "a".repeat(255);
    for (const pattern of ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){12}$", "((((a*)*)*)*)*$", "^(a?){100}a+$"]) {
      assert.equal(compilePattern(pattern).test(longest), true, pattern);
      assert.equal(compilePattern(pattern).test(`${longest}!`.slice(1)), pattern.startsWith("(("), pattern);
    }
    assert.equal(compilePattern("^(a+)+(?=b)").test(longest), false);
    for (const pattern of ["^(?:){999999999}a", "^(?:a{999}){999}$", "^(?:(?:a?){1,99}){1,99}$"]) {
      assert.equal(typeof compilePattern(pattern).test("a"), "boolean", pattern);
    }
  });

  test("of literal text matches that text alone, and nothing makes the translation fail but a BrokerError", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const expression = compilePattern(`^${literalPattern(text)}$`);
        assert.equal(expression.test(text), true);
        assert.equal(expression.test(other), other === text);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab19\\[](){}?*+-^$:.,/|") }), (pattern) => {
        try {
          compilePattern(pattern);
        } catch (error) {
          assert.equal((error as Error).name, "BrokerError", pattern);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** Undefined: JavaScript does not take the expression. */
function javaScriptVerdict(source: string, text: string): boolean | undefined {
  try {
    return new RegExp(source, "u").test(text);
  } catch {
    return undefined;
  }
}
