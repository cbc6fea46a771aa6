import assert from "node:assert/strict";
import { test } from "node:test";
import type { User } from "../../../src/core/auth/user.ts";
import type { AdministrationContext } from "../../../src/core/commands/administration.ts";
import { deletePolicy } from "../../../src/core/commands/delete-policy.ts";
import { setPolicy } from "../../../src/core/commands/set-policy.ts";
import { clearUserLimit, setUserLimit } from "../../../src/core/commands/user-limits.ts";
import { clearVhostLimit, setVhostLimit } from "../../../src/core/commands/vhost-limits.ts";
import { startTestBroker } from "../../support/test-broker.ts";
import { refused } from "./topology.ts";

type ContextOf = (...tags: string[]) => AdministrationContext;

/** @param body gets what makes the context of a user `u` with the tags given; it has access to "/" and not to "other" */
function administrationTest(title: string, body: (contextOf: ContextOf) => void): void {
  test(title, async () => {
    const { broker, close } = startTestBroker();
    try {
      broker.createVhost("other");
      broker.permissions.set({ vhost: "/", user: "u", configure: "", write: "", read: "" });
      body((...tags) => broker.administrationContext(broker.users.put("u", undefined, tags) as User));
    } finally {
      await close();
    }
  });
}

const POLICY = { kind: "policy", vhost: "/", name: "p" } as const;
const SPEC = { pattern: "", definition: { expires: 5 } };
const NOT_AUTHORISED = "User not authorised to access object";

administrationTest(
  "[policy/set] is for administrators, and for policymakers with access to the virtual host",
  (contextOf) => {
    for (const tags of [[], ["management"], ["monitoring"]]) {
      refused(() => setPolicy(contextOf(...tags), POLICY, SPEC), "ACCESS_REFUSED", NOT_AUTHORISED);
    }
    const policymaker = contextOf("policymaker");
    assert.equal(setPolicy(policymaker, POLICY, SPEC), true);
    assert.equal(setPolicy(policymaker, POLICY, SPEC), false);
    const elsewhere = { ...POLICY, vhost: "other" };
    refused(() => setPolicy(policymaker, elsewhere, SPEC), "ACCESS_REFUSED", NOT_AUTHORISED);
    refused(() => deletePolicy(policymaker, elsewhere), "ACCESS_REFUSED", NOT_AUTHORISED);
    deletePolicy(policymaker, POLICY);
    setPolicy(contextOf("administrator"), elsewhere, SPEC);
  },
);

administrationTest("[operator-policy/set] is for administrators", (contextOf) => {
  const name = { ...POLICY, kind: "operator-policy" } as const;
  refused(() => setPolicy(contextOf("policymaker"), name, SPEC), "ACCESS_REFUSED", "Not administrator user");
  refused(() => deletePolicy(contextOf("policymaker"), name), "ACCESS_REFUSED", "Not administrator user");
  const administrator = contextOf("administrator");
  setPolicy(administrator, name, SPEC);
  assert.equal(administrator.policies.get("operator-policy", "/", "p")?.definition.get("expires"), 5);
  assert.equal(administrator.policies.get("policy", "/", "p"), undefined);
  deletePolicy(administrator, name);
});

administrationTest(
  "[policy/set] in a virtual host that is not there, or of one that is not, is NOT_FOUND",
  (contextOf) => {
    const administrator = contextOf("administrator");
    const missing = { ...POLICY, vhost: "missing" };
    const text = "virtual host 'missing' does not exist";
    refused(() => setPolicy(administrator, missing, SPEC), "NOT_FOUND", text);
    refused(() => deletePolicy(administrator, missing), "NOT_FOUND", text);
    refused(() => deletePolicy(administrator, POLICY), "NOT_FOUND", "Parameter does not exist");
  },
);

administrationTest("[policy/set] what is no policy is refused in RabbitMQ's words", (contextOf) => {
  const spec = { pattern: "", definition: { foo: 5 } };
  const text = 'Validation failed\n\n[{<<"foo">>,5}] are not recognised policy settings\n';
  refused(() => setPolicy(contextOf("administrator"), POLICY, spec), "PRECONDITION_FAILED", text);
});

administrationTest("[limits/set] of virtual hosts and users are for administrators", (contextOf) => {
  const policymaker = contextOf("policymaker");
  for (const command of [
    () => setVhostLimit(policymaker, "/", "max-queues", 1),
    () => clearVhostLimit(policymaker, "/", "max-queues"),
    () => setUserLimit(policymaker, "u", "max-channels", 1),
    () => clearUserLimit(policymaker, "u", "max-channels"),
  ]) {
    refused(command, "ACCESS_REFUSED", "Not administrator user");
  }
  const administrator = contextOf("administrator");
  const { usage } = administrator;
  setVhostLimit(administrator, "/", "max-queues", 5);
  setVhostLimit(administrator, "/", "max-connections", 6);
  setUserLimit(administrator, "u", "max-channels", 7);
  assert.deepEqual(Object.fromEntries(usage.vhosts.of("/")), { "max-queues": 5, "max-connections": 6 });
  assert.deepEqual(Object.fromEntries(usage.users.of("u")), { "max-channels": 7 });
  clearVhostLimit(administrator, "/", "max-queues");
  clearUserLimit(administrator, "u", "max-channels");
  clearUserLimit(administrator, "u", "max-channels");
  assert.deepEqual(Object.fromEntries(usage.vhosts.of("/")), { "max-connections": 6 });
  assert.deepEqual(Object.fromEntries(usage.users.of("u")), {});
});

administrationTest("[limits/set] of what is not there are NOT_FOUND; bad ones are refused", (contextOf) => {
  const administrator = contextOf("administrator");
  refused(
    () => setVhostLimit(administrator, "missing", "max-queues", 1),
    "NOT_FOUND",
    "virtual host 'missing' does not exist",
  );
  refused(
    () => setUserLimit(administrator, "missing", "max-channels", 1),
    "NOT_FOUND",
    "user 'missing' does not exist",
  );
  refused(
    () => setUserLimit(administrator, "u", "max-channels", "1"),
    "PRECONDITION_FAILED",
    'max-channels should be a number, actually was <<"1">>',
  );
});
