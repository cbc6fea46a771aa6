import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Broker } from "../../../../src/core/broker.ts";
import { exportDefinitions } from "../../../../src/core/commands/definitions/export-definitions.ts";
import { importDefinitions } from "../../../../src/core/commands/definitions/import-definitions.ts";
import { readDefinitions } from "../../../../src/core/commands/definitions/read-definitions.ts";
import type { Vhost } from "../../../../src/core/vhost.ts";
import { EMPTY_TABLE } from "../../../../src/wire/field-table.ts";
import { startTestBroker } from "../../../support/test-broker.ts";
import { refused } from "../topology.ts";

const queue = { vhost: "/", name: "new", durable: true };
const exchange = { vhost: "/", name: "x2", type: "direct" };
const binding = { vhost: "/", source: "x", destination: "q", destination_type: "queue", routing_key: "" };
const policy = { vhost: "/", name: "p", pattern: "", definition: { expires: 1 } };

/** What would be created, in front of the entry that is refused. */
const FINE = {
  users: [{ name: "u", password: "p", tags: "" }],
  vhosts: [{ name: "v" }],
  exchanges: [{ vhost: "v", name: "x", type: "fanout" }],
  queues: [{ vhost: "v", name: "q" }],
  bindings: [{ vhost: "v", source: "x", destination: "q", destination_type: "queue", routing_key: "" }],
  policies: [{ vhost: "v", name: "p", pattern: "", definition: { expires: 1 } }],
};

const REFUSED: readonly (readonly [definitions: unknown, text: string])[] = [
  [[], "definitions must be an object"],
  [{ queues: {} }, "queues must be a list"],
  [{ queues: ["q"] }, "queues[0] is not an object"],
  [{ users: [{ name: "u" }] }, "users[0] 'u': tags must be a list of strings"],
  [{ users: [{ name: "u", tags: [1] }] }, "users[0] 'u': tags must be a list of strings"],
  [{ users: [{ name: "", tags: "" }] }, "users[0] '': name must not be empty"],
  [{ users: [{ name: "u", tags: "", password_hash: "%" }] }, "users[0] 'u': password_hash must be base64"],
  [
    { users: [{ name: "u", tags: "", password: "p", password_hash: "" }] },
    "users[0] 'u': password and password_hash exclude each other",
  ],
  [
    { users: [{ name: "u", tags: "", password_hash: "", hashing_algorithm: "rot13" }] },
    "users[0] 'u': hashing_algorithm 'rot13' is not known",
  ],
  [
    { users: [{ name: "u", tags: "", limits: { x: 1 } }] },
    "users[0] 'u': Unrecognised terms [{<<\"x\">>,1}] in user-limits",
  ],
  [{ vhosts: [{}] }, "vhosts[0]: name must be a string"],
  [
    { vhosts: [{ name: "w", metadata: { default_queue_type: "fast" } }] },
    "vhosts[0] 'w': fast is not a valid queue type",
  ],
  [{ vhosts: [{ name: "w", description: 1 }] }, "vhosts[0] 'w': description must be a string"],
  [
    { permissions: [{ user: "nobody", vhost: "/", configure: "", write: "", read: "" }] },
    "permissions[0]: there is no user 'nobody'",
  ],
  [
    { permissions: [{ user: "guest", vhost: "w", configure: "", write: "", read: "" }] },
    "permissions[0]: there is no virtual host 'w'",
  ],
  [{ permissions: [{ user: "guest", vhost: "/", configure: "", write: "" }] }, "permissions[0]: read must be a string"],
  [
    { topic_permissions: [{ user: "guest", vhost: "/", exchange: "x", write: "[[:x:]]", read: "" }] },
    "topic_permissions[0]: write: invalid regular expression '[[:x:]]': '[:x:]' is not supported",
  ],
  [
    { policies: [policy, { ...policy, name: "r", definition: { foo: 1 } }] },
    "policies[1] 'r': Validation failed\n\n[{<<\"foo\">>,1}] are not recognised policy settings",
  ],
  [{ policies: [{ ...policy, vhost: "w" }] }, "policies[0] 'p': there is no virtual host 'w'"],
  [
    { parameters: [{ vhost: "/", component: "operator_policy", name: "o", value: { pattern: "", definition: {} } }] },
    "parameters[0] 'o': Validation failed\n\nno policy provided",
  ],
  [
    { parameters: [{ vhost: "/", component: "vhost-limits", name: "limits", value: { "max-queues": "1" } }] },
    "parameters[0] 'limits': Validation failed\n\nmax-queues should be a number, actually was <<\"1\">>",
  ],
  [
    { queues: [{ name: "q" }] },
    "some queues, exchanges or bindings in the definition file are missing the virtual host field. Such files are " +
      "produced when definitions of a single virtual host are exported. They cannot be used to import definitions at " +
      "boot time",
  ],
  [{ queues: [{ ...queue, durable: "yes" }] }, "queues[0] 'new': durable must be true or false"],
  [{ queues: [{ ...queue, arguments: 5 }] }, "queues[0] 'new': arguments must be an object"],
  [
    { queues: [{ ...queue, arguments: { "x-max-length": -1 } }] },
    "queues[0] 'new': invalid arg 'x-max-length' for queue 'new' in vhost '/': {value_negative,-1}",
  ],
  [
    { queues: [{ ...queue, type: "fast" }] },
    "queues[0] 'new': invalid arg 'x-queue-type' for queue 'new' in vhost '/': \"unsupported queue type 'fast'\"",
  ],
  [
    { queues: [{ ...queue, type: "quorum", durable: false }] },
    "queues[0] 'new': invalid property 'non-durable' for queue 'new' in vhost '/'",
  ],
  [
    { queues: [{ ...queue, name: "q", durable: false }] },
    "queues[0] 'q': inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'",
  ],
  [
    { queues: [{ ...queue, name: "q", arguments: { "x-max-length": 1 } }] },
    "queues[0] 'q': inequivalent arg 'x-max-length' for queue 'q' in vhost '/': " +
      "received the value '1' of type 'long' but current is none",
  ],
  [{ queues: [{ ...queue, name: "mine" }] }, "queues[0] 'mine': the queue is exclusive to a connection"],
  [{ exchanges: [{ ...exchange, type: "fast" }] }, "exchanges[0] 'x2': unknown exchange type 'fast'"],
  [
    { exchanges: [{ ...exchange, name: "x", type: "topic" }] },
    "exchanges[0] 'x': inequivalent arg 'type' for exchange 'x' in vhost '/': received 'topic' but current is 'headers'",
  ],
  [
    { exchanges: [{ ...exchange, arguments: { "alternate-exchange": 1 } }] },
    "exchanges[0] 'x2': invalid type 'long' for arg 'alternate-exchange' in exchange 'x2' in vhost '/'",
  ],
  [
    { bindings: [{ ...binding, destination_type: "topic" }] },
    "bindings[0]: destination_type must be queue or exchange",
  ],
  [{ bindings: [{ ...binding, source: "none" }] }, "bindings[0]: there is no exchange 'none' in vhost '/'"],
  [{ bindings: [{ ...binding, destination: "none" }] }, "bindings[0]: there is no queue 'none' in vhost '/'"],
  [{ bindings: [{ ...binding, source: "" }] }, "bindings[0]: operation not permitted on the default exchange"],
  [
    { bindings: [binding, { ...binding, routing_key: "k", arguments: { "x-match": "some" } }] },
    'bindings[1]: Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x',
  ],
];

/** A virtual host with a queue q, a headers exchange x and the queue `mine` of a connection. */
function prepare(broker: Broker): void {
  const vhost = broker.findVhost("/") as Vhost;
  const shared = { durable: true, autoDelete: false, arguments: EMPTY_TABLE };
  vhost.addQueue({ ...shared, name: "q", exclusiveOwner: undefined });
  vhost.addQueue({ ...shared, name: "mine", exclusiveOwner: {} });
  vhost.addExchange({ ...shared, name: "x", type: "headers", internal: false });
}

/** `definitions` behind what is fine. */
function behindFine(definitions: unknown): unknown {
  if (Array.isArray(definitions)) return definitions;
  const { bindings, ...fine } = FINE;
  const replacesEnds =
    Object.hasOwn(definitions as object, "exchanges") || Object.hasOwn(definitions as object, "queues");
  return { ...fine, ...(replacesEnds ? {} : { bindings }), ...(definitions as object) };
}

describe("[definitions/import] is refused as a whole, with the entry named", () => {
  for (const [definitions, text] of REFUSED) {
    test(text, async () => {
      const { broker, close } = startTestBroker();
      try {
        prepare(broker);
        const before = exportDefinitions(broker, broker.identity);
        const json = JSON.parse(JSON.stringify(behindFine(definitions)));
        refused(() => importDefinitions(broker, readDefinitions(json)), "PRECONDITION_FAILED", text);
        assert.deepEqual(exportDefinitions(broker, broker.identity), before);
        assert.equal(broker.findVhost("v"), undefined);
      } finally {
        await close();
      }
    });
  }

  test("more queues than the virtual host may have", async () => {
    const { broker, close } = startTestBroker();
    try {
      prepare(broker);
      broker.usage.vhosts.update("/", { "max-queues": 3 });
      const text =
        'Adding 2 queue(s) to virtual host "/" would exceed the limit of 3 queue(s).\n\n' +
        "This virtual host currently has 2 queue(s) defined.\n\nImport aborted!";
      const queues = [queue, { ...queue, name: "q" }, { ...queue, name: "newer" }];
      refused(() => importDefinitions(broker, readDefinitions({ queues })), "PRECONDITION_FAILED", text);
      importDefinitions(broker, readDefinitions({ queues: queues.slice(0, 2) }));
    } finally {
      await close();
    }
  });
});
