import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidDefinitionError } from "../../../src/core/definitions.ts";
import type { PolicyKind, PolicyObject, PolicySpec } from "../../../src/core/policy/policy.ts";
import { PolicyDirectory } from "../../../src/core/policy/policy-directory.ts";
import { NO_POLICY } from "../../../src/core/policy-values.ts";
import { QUEUE_TYPES, type QueueType } from "../../../src/core/queue-type.ts";
import { MemoryDefinitions } from "../auth/memory-definitions.ts";

function queue(name: string, queueType: QueueType = "classic"): PolicyObject {
  return { kind: "queue", name, queueType };
}

function exchange(name: string): PolicyObject {
  return { kind: "exchange", name };
}

class Directory {
  readonly definitions = new MemoryDefinitions();
  readonly policies = new PolicyDirectory(this.definitions);

  set(name: string, spec: Partial<PolicySpec>, kind: PolicyKind = "policy", vhost = "/"): void {
    this.policies.set(kind, vhost, name, { pattern: ".*", definition: { "max-length": 1 }, ...spec });
  }

  /** The name of the policy in effect. */
  policyOf(object: PolicyObject, vhost = "/"): string | undefined {
    return this.policies.inEffect(vhost, object).policy?.name;
  }
}

test("[policy] nothing is in effect where there is none", () => {
  const { policies } = new Directory();
  assert.equal(policies.effective("/", queue("q")), NO_POLICY);
  assert.deepEqual(policies.inEffect("/", queue("q")), {
    policy: undefined,
    operatorPolicy: undefined,
    values: NO_POLICY,
  });
});

test("[policy/pattern] is searched for anywhere in the name, in its own virtual host", () => {
  const directory = new Directory();
  directory.set("p", { pattern: "order" });
  assert.equal(directory.policyOf(queue("my.orders")), "p");
  assert.equal(directory.policyOf(queue("ordinary")), undefined);
  assert.equal(directory.policyOf(queue("order"), "other"), undefined);
});

test("[policy/apply-to] says what kinds of objects a policy is for", () => {
  const expected = {
    queues: ["classic", "quorum", "stream"],
    classic_queues: ["classic"],
    quorum_queues: ["quorum"],
    streams: ["stream"],
    exchanges: ["exchange"],
    all: ["classic", "quorum", "stream", "exchange"],
  };
  for (const [applyTo, kinds] of Object.entries(expected)) {
    const directory = new Directory();
    directory.set("p", { applyTo, definition: { "max-length-bytes": 1 } });
    const objects = [
      ...QUEUE_TYPES.map((type) => [type, queue("a", type)] as const),
      ["exchange", exchange("a")] as const,
    ];
    const under = objects.filter(([, object]) => directory.policyOf(object) === "p").map(([kind]) => kind);
    assert.deepEqual(under, kinds, applyTo);
  }
});

test("[policy] one key that a type of queue does not know makes the whole policy not apply to it", () => {
  const directory = new Directory();
  directory.set("high", { priority: 1, definition: { "max-length": 5, "delivery-limit": 3 } });
  directory.set("low", { definition: { "max-length": 9 } });
  assert.equal(directory.policyOf(queue("q", "quorum")), "high");
  assert.equal(directory.policyOf(queue("q", "classic")), "low");
  assert.equal(directory.policyOf(queue("q", "stream")), undefined);
  assert.equal(directory.policyOf(exchange("x")), "high");
});

test("[policy/priority] only the fitting policy of the highest priority is in effect; of equal ones the first by name", () => {
  const directory = new Directory();
  directory.set("b", { priority: 5, definition: { "max-length": 5 } });
  directory.set("c", { priority: 7, pattern: "^other$", definition: { "max-length": 7 } });
  directory.set("a", { priority: -1, definition: { "message-ttl": 1 } });
  assert.deepEqual([...directory.policies.effective("/", queue("q"))], [["max-length", 5]]);
  directory.set("ab", { priority: 5, definition: { "max-length": 6 } });
  assert.equal(directory.policyOf(queue("q")), "ab");
  directory.set("ab", { priority: 4 });
  assert.equal(directory.policyOf(queue("q")), "b");
  assert.deepEqual(
    [...directory.policies.list("policy")].map(({ name }) => name),
    ["c", "b", "ab", "a"],
  );
});

test("[operator-policy] is chosen apart from policies and merged with the one in effect", () => {
  const directory = new Directory();
  directory.set("p", { definition: { "max-length": 10, "dead-letter-exchange": "dlx" } });
  directory.set("o", { definition: { "max-length": 4, "message-ttl": 60 } }, "operator-policy");
  const inEffect = directory.policies.inEffect("/", queue("q"));
  assert.deepEqual([inEffect.policy?.name, inEffect.operatorPolicy?.name], ["p", "o"]);
  assert.deepEqual(Object.fromEntries(inEffect.values), {
    "max-length": 4,
    "dead-letter-exchange": "dlx",
    "message-ttl": 60,
  });
  assert.equal(directory.policies.effective("/", queue("other")), inEffect.values);
  directory.set("p", { definition: { "max-length": 3 } });
  assert.deepEqual(Object.fromEntries(directory.policies.effective("/", queue("q"))), {
    "max-length": 3,
    "message-ttl": 60,
  });
  directory.policies.delete("policy", "/", "p");
  assert.equal(directory.policies.effective("/", queue("q")).get("max-length"), 4);
});

test("[policy] a change is told with its virtual host; setting the same again, or a refusal, is none", () => {
  const directory = new Directory();
  const told: string[] = [];
  directory.policies.onChange = (vhost) => told.push(vhost);
  directory.set("p", {}, "policy", "a");
  directory.set("p", {}, "policy", "a");
  assert.throws(() => directory.set("p", { pattern: "(" }, "policy", "a"));
  directory.set("p", { priority: 1 }, "operator-policy", "b");
  assert.equal(directory.policies.delete("policy", "a", "p"), true);
  assert.equal(directory.policies.delete("policy", "a", "p"), false);
  assert.deepEqual(told, ["a", "b", "a"]);
});

test("[policy] changes made together are told afterwards, once for each virtual host", () => {
  const directory = new Directory();
  const told: string[] = [];
  directory.policies.onChange = (vhost) => told.push(vhost);
  directory.policies.together(() => {
    directory.set("p", {}, "policy", "a");
    directory.set("q", {}, "policy", "b");
    directory.set("q", {}, "policy", "a");
    assert.deepEqual(told, []);
  });
  assert.deepEqual(told, ["a", "b"]);
});

test("[policy] what is stored is restored", () => {
  const { policies, definitions } = new Directory();
  const definition = { "max-length": 5, overflow: "reject-publish", "delayed-message": true };
  policies.set("policy", "v", "p", { pattern: "^q", applyTo: "queues", priority: 3, definition });
  policies.set("operator-policy", "v", "o", { pattern: "", definition: { expires: 9 } });
  policies.set("policy", "v", "gone", { pattern: "", definition: { expires: 9 } });
  policies.delete("policy", "v", "gone");
  const restored = new PolicyDirectory(new MemoryDefinitions());
  for (const { kind, id, value } of definitions.stored) restored.restore(kind as PolicyKind, id, value);
  for (const kind of ["policy", "operator-policy"] as const) {
    assert.deepEqual([...restored.list(kind)], [...policies.list(kind)]);
  }
  assert.deepEqual(restored.get("policy", "v", "p")?.definition, new Map(Object.entries(definition)));
});

test("[policy] a stored policy that cannot be is refused", () => {
  const { policies } = new Directory();
  for (const value of [
    5,
    { vhost: "v", name: 1, pattern: "", definition: { expires: 1 } },
    { vhost: "v", name: "p", pattern: "(", definition: { expires: 1 } },
    { vhost: "v", name: "p", pattern: "", definition: {} },
  ]) {
    assert.throws(() => policies.restore("policy", "id", value), InvalidDefinitionError);
  }
});

test("[policy] those of one virtual host can be removed together", () => {
  const directory = new Directory();
  directory.set("p", {}, "policy", "a");
  directory.set("o", {}, "operator-policy", "a");
  directory.set("p", {}, "policy", "b");
  directory.policies.clearVhost("a");
  assert.deepEqual(
    directory.definitions.stored.map(({ kind, id }) => [kind, id]),
    [["policy", "1:b1:p"]],
  );
});
