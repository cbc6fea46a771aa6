import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerError } from "../../../src/core/errors.ts";
import type { PolicyKind, PolicySpec } from "../../../src/core/policy/policy.ts";
import { POLICY_KEYS } from "../../../src/core/policy/policy-keys.ts";
import { validPolicy } from "../../../src/core/policy/validate-policy.ts";

/** What is said of a policy that is fine but for `spec`; undefined: it is taken. */
function refusal(spec: Partial<PolicySpec>, kind: PolicyKind = "policy"): string | undefined {
  try {
    validPolicy(kind, "/", "p", { pattern: ".*", definition: { "max-length": 1 }, ...spec });
    return undefined;
  } catch (error) {
    assert(error instanceof BrokerError, String(error));
    assert.equal(error.replyName, "PRECONDITION_FAILED");
    const lines = error.message.split("\n");
    assert.deepEqual([lines[0], lines[1], lines.at(-1)], ["Validation failed", "", ""]);
    return lines.slice(2, -1).join("\n");
  }
}

const defined = (definition: unknown, kind?: PolicyKind) => refusal({ definition }, kind);

test("[policy] is taken with its defaults: priority 0, apply-to all", () => {
  const policy = validPolicy("policy", "v", "p", { pattern: "^a", definition: { "message-ttl": 5 } });
  assert.deepEqual(policy, {
    vhost: "v",
    name: "p",
    pattern: "^a",
    applyTo: "all",
    priority: 0,
    definition: new Map([["message-ttl", 5]]),
  });
});

test("[policy/apply-to] takes the six words and no other", () => {
  for (const applyTo of ["queues", "classic_queues", "quorum_queues", "streams", "exchanges", "all"]) {
    assert.equal(refusal({ applyTo }), undefined, applyTo);
  }
  assert.equal(
    refusal({ applyTo: "topics" }),
    "apply-to 'topics' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', 'streams', " +
      "'exchanges', or 'all'",
  );
});

test("[policy/priority] must be a number", () => {
  assert.equal(refusal({ priority: -3 }), undefined);
  assert.equal(refusal({ priority: "7" }), 'priority should be a number, actually was <<"7">>');
  assert.equal(refusal({ priority: true }), "priority should be a number, actually was true");
});

test("[policy/pattern] must be a regular expression of at most 1024 octets", () => {
  assert.equal(refusal({ pattern: "" }), undefined);
  assert.equal(refusal({ pattern: "a".repeat(1024) }), undefined);
  assert.equal(refusal({ pattern: "é".repeat(513) }), "pattern must not exceed 1024 bytes");
  assert.equal(refusal({ pattern: 5 }), "pattern should be a binary but was 5");
  assert.match(refusal({ pattern: "(" }) as string, /^pattern should be regular expression but is invalid: ./);
});

test("[policy] everything that is wrong is told at once", () => {
  assert.equal(
    refusal({ pattern: 1, priority: "x", applyTo: "", definition: {} }),
    [
      "no policy provided",
      "apply-to '' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', 'streams', 'exchanges', or 'all'",
      "pattern should be a binary but was 1",
      'priority should be a number, actually was <<"x">>',
    ].join("\n"),
  );
});

test("[policy/definition] must be an object with keys", () => {
  assert.equal(defined({}), "no policy provided");
  assert.equal(defined([]), "no policy provided");
  assert.equal(defined([1]), "definition must be a dictionary: [1]");
  assert.match(defined("x") as string, /^parse error while reading policy p: <<"x">>\. Validator: policy_validator\.$/);
});

test("[policy/definition] unknown keys are printed as Erlang prints them", () => {
  assert.equal(defined({ foo: 5 }), '[{<<"foo">>,5}] are not recognised policy settings');
  assert.equal(
    defined({ zoo: 'a"b', "max-length": 1, bar: { a: [true, null] }, ü: 1.5 }),
    '[{<<"bar">>,#{<<"a">> => [true,null]}},{<<"zoo">>,<<"a\\"b">>},{<<"ü"/utf8>>,1.5}] are not recognised policy settings',
  );
});

test("[policy/definition] a bad value is told before unknown keys, and only the first one", () => {
  assert.equal(defined({ foo: 5, "max-length": "x" }), '<<"x">> is not a valid maximum length');
  assert.equal(defined({ "message-ttl": -1, expires: 0 }), "0 is not a valid queue expiry");
});

const REFUSED: readonly (readonly [key: string, values: unknown[], text: string])[] = [
  ["alternate-exchange", [5], "is not a valid alternate exchange name"],
  ["consumer-disconnected-timeout", [-1, "1"], "is not a valid consumer disconnected timeout"],
  ["consumer-timeout", [-1, 1.5], "is not a valid consumer timeout"],
  ["dead-letter-exchange", [true], "is not a valid dead letter exchange name"],
  ["dead-letter-routing-key", [0], "is not a valid dead letter routing key"],
  ["dead-letter-strategy", ["sometimes"], "is not a valid dead letter strategy"],
  ["delivery-limit", ["1", null], "is not a valid delivery limit"],
  ["expires", [0, -1, "1"], "is not a valid queue expiry"],
  ["initial-cluster-size", [-1], "is not a valid cluster size"],
  ["max-age", ["7", "7x", "0D", "D", 7, "1Ds"], "is not a valid max age"],
  ["max-in-memory-bytes", [-1], "is not a valid maximum memory in bytes"],
  ["max-in-memory-length", [-1], "is not a valid maximum memory in bytes"],
  ["max-length", [-1, 0.5, "x"], "is not a valid maximum length"],
  ["max-length-bytes", [-1], "is not a valid maximum length in bytes"],
  ["message-ttl", [-1, "0"], "is not a valid message TTL"],
  ["overflow", ["drop-tail", 1], "is not a valid overflow value"],
  ["queue-leader-locator", ["nearest"], "is not a valid queue leader locator value"],
  ["queue-mode", ["eager"], "is not a valid queue-mode value"],
  ["queue-version", [0, 3, "2"], "is not a valid queue-version value"],
  ["stream-filter-size-bytes", [15, 256], "is not a valid filter size. Valid range is 16-255"],
  ["stream-max-segment-size-bytes", [-1, 3_000_000_001], "is not a valid segment size"],
  ["delayed-retry-max", [0], "is not a valid delayed retry maximum delay. Must be a positive integer"],
  ["delayed-retry-min", [0, "1"], "is not a valid delayed retry minimum delay. Must be a positive integer"],
  [
    "delayed-retry-type",
    ["some"],
    "is not a valid delayed retry type. Must be one of: all, failed, returned, disabled",
  ],
  ["target-group-size", [0], "is not a valid qq target count value"],
  ["federation-upstream", [1], "is not a valid federation upstream name"],
  ["federation-upstream-pattern", [1], "is not a valid federation upstream pattern name"],
  ["federation-upstream-set", [1], "is not a valid federation upstream set name"],
  ["delayed-message", ["true", 1], "is not a valid delayed-message value"],
];

test("[policy/definition] every key refuses its bad values in its own words", () => {
  for (const [key, values, text] of REFUSED) {
    for (const value of values) {
      const printed = typeof value === "string" ? `<<"${value}">>` : String(value);
      assert.equal(defined({ [key]: value }), `${printed} ${text}`, `${key} ${printed}`);
    }
  }
  assert.deepEqual(REFUSED.map(([key]) => key).sort(), [...POLICY_KEYS.keys()].sort());
});

const TAKEN: Readonly<Record<string, unknown[]>> = {
  "alternate-exchange": ["", "x"],
  "consumer-timeout": [0],
  "dead-letter-exchange": [""],
  "dead-letter-strategy": ["at-most-once", "at-least-once"],
  "delivery-limit": [-1, 0, 20],
  expires: [1],
  "max-age": ["7D", "1Y", "01M", "3h", "4m", "5s"],
  "max-length": [0],
  "message-ttl": [0],
  overflow: ["drop-head", "reject-publish", "reject-publish-dlx"],
  "queue-leader-locator": ["client-local", "balanced", "random", "least-leaders"],
  "queue-version": [1, 2],
  "stream-filter-size-bytes": [16, 255],
  "stream-max-segment-size-bytes": [0, 3_000_000_000],
  "delayed-message": [true, false],
};

test("[policy/definition] the good values are taken", () => {
  for (const [key, values] of Object.entries(TAKEN)) {
    for (const value of values) assert.equal(defined({ [key]: value }), undefined, `${key} ${String(value)}`);
  }
});

test("[policy/definition] delayed retry must make sense as a whole", () => {
  assert.equal(
    defined({ "delayed-retry-type": "all" }),
    "delayed-retry-min is required when delayed-retry-type is all",
  );
  assert.equal(defined({ "delayed-retry-type": "disabled" }), undefined);
  assert.equal(
    defined({ "delayed-retry-type": "failed", "delayed-retry-min": 10, "delayed-retry-max": 9 }),
    "delayed-retry-max (9) must not be smaller than delayed-retry-min (10)",
  );
  assert.equal(
    defined({ "delayed-retry-type": "failed", "delayed-retry-min": 10, "delayed-retry-max": 10 }),
    undefined,
  );
});

test("[policy/definition] one federation upstream, set or pattern", () => {
  assert.equal(defined({ "federation-upstream-set": "all" }), undefined);
  assert.equal(
    defined({ "federation-upstream-set": 1, "federation-upstream": "x" }),
    "cannot specify federation-upstream, federation-upstream-set or federation-upstream-pattern together",
  );
});

test("[operator-policy/definition] takes the limits only", () => {
  const limits = {
    expires: 1,
    "message-ttl": 1,
    "max-length": 1,
    "max-length-bytes": 1,
    "max-in-memory-length": 1,
    "max-in-memory-bytes": 1,
    "delivery-limit": 1,
    "queue-version": 2,
    overflow: "reject-publish",
    "target-group-size": 1,
    "delayed-retry-type": "all",
    "delayed-retry-min": 1,
    "delayed-retry-max": 1,
  };
  assert.equal(defined(limits, "operator-policy"), undefined);
  for (const key of POLICY_KEYS.keys()) {
    if (Object.hasOwn(limits, key)) continue;
    assert.equal(
      defined({ [key]: "x" }, "operator-policy"),
      `[{<<"${key}">>,<<"x">>}] are not recognised policy settings`,
    );
  }
});
