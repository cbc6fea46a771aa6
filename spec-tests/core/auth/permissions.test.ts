import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Permissions } from "../../../src/core/auth/permissions.ts";
import { InvalidDefinitionError } from "../../../src/core/definitions.ts";
import { MemoryDefinitions } from "./memory-definitions.ts";

function granted(configure: string, write: string, read: string) {
  const definitions = new MemoryDefinitions();
  const permissions = new Permissions(definitions);
  permissions.set({ vhost: "v", user: "u", configure, write, read });
  return { permissions, definitions };
}

describe("[connection.open] access to a virtual host", () => {
  test("takes a permission there, be it an empty one", () => {
    const { permissions } = granted("", "", "");
    permissions.checkVhostAccess("u", "v");
    for (const [user, vhost] of [
      ["u", "w"],
      ["other", "v"],
    ] as const) {
      assert.throws(() => permissions.checkVhostAccess(user, vhost), {
        replyCode: 530,
        message: `access to vhost '${vhost}' refused for user '${user}'`,
      });
    }
  });
});

describe("access to queues and exchanges", () => {
  test("goes by the pattern for configure, write or read", () => {
    const { permissions } = granted("^c", "^w", "^r");
    for (const [access, letter] of [
      ["configure", "c"],
      ["write", "w"],
      ["read", "r"],
    ] as const) {
      for (const name of ["c1", "w1", "r1"]) {
        for (const kind of ["queue", "exchange"] as const) {
          const check = () => permissions.checkResource("u", "v", kind, name, access);
          if (name.startsWith(letter)) check();
          else {
            assert.throws(check, {
              replyCode: 403,
              scope: "channel",
              message: `${access} access to ${kind} '${name}' in vhost 'v' refused for user 'u'`,
            });
          }
        }
      }
    }
  });

  test("is refused without a permission, and by an empty pattern", () => {
    const { permissions } = granted("", ".*", ".*");
    assert.throws(() => permissions.checkResource("u", "v", "queue", "q", "configure"), { replyCode: 403 });
    assert.throws(() => permissions.checkResource("u", "w", "queue", "q", "read"), { replyCode: 403 });
    assert.throws(() => permissions.checkResource("x", "v", "queue", "q", "read"), { replyCode: 403 });
  });

  test("the default exchange is amq.default, in the pattern and in the text", () => {
    const { permissions } = granted("", "^amq\\.default$", "");
    permissions.checkResource("u", "v", "exchange", "", "write");
    assert.throws(() => permissions.checkResource("u", "v", "exchange", "", "read"), {
      message: "read access to exchange 'amq.default' in vhost 'v' refused for user 'u'",
    });
  });

  test("[declare passive] any of the three permits it", () => {
    const { permissions } = granted("^c", "^w", "^r");
    for (const name of ["c", "w", "r"]) permissions.checkAnyAccess("u", "v", "queue", name);
    assert.throws(() => permissions.checkAnyAccess("u", "v", "queue", "x"), {
      replyCode: 403,
      message: "configure access to queue 'x' in vhost 'v' refused for user 'u'",
    });
    assert.throws(() => permissions.checkAnyAccess("other", "v", "queue", "c"), { replyCode: 403 });
  });

  test("a verdict does not outlive its permission, and there may be any number of names", () => {
    const { permissions } = granted("^a", "", "");
    for (let i = 0; i < 5000; i++) permissions.checkResource("u", "v", "queue", `a${i}`, "configure");
    permissions.checkResource("u", "v", "queue", "a1", "configure");
    permissions.set({ vhost: "v", user: "u", configure: "^b", write: "", read: "" });
    assert.throws(() => permissions.checkResource("u", "v", "queue", "a1", "configure"), { replyCode: 403 });
    assert.equal(permissions.clear("v", "u"), true);
    assert.equal(permissions.clear("v", "u"), false);
    assert.throws(() => permissions.checkResource("u", "v", "queue", "b1", "configure"), { replyCode: 403 });
  });

  test("an invalid pattern is refused and changes nothing", () => {
    const { permissions, definitions } = granted("^a", "", "");
    const generation = permissions.generation;
    assert.throws(() => permissions.set({ vhost: "v", user: "u", configure: ".*", write: ".*", read: "(" }), {
      replyCode: 406,
    });
    assert.equal(permissions.get("v", "u")?.configure, "^a");
    assert.equal(permissions.generation, generation);
    assert.equal(definitions.stored.length, 1);
  });
});

describe("access to topics", () => {
  test("is free where the user has no topic permission for the exchange", () => {
    const { permissions } = granted("", "", "");
    permissions.checkTopic("u", "v", "x", "any.key", "write");
    permissions.topics.set({ vhost: "v", user: "u", exchange: "y", write: "", read: "" });
    permissions.checkTopic("u", "v", "x", "any.key", "write");
    permissions.checkTopic("other", "v", "y", "any.key", "write");
    permissions.checkTopic("u", "w", "y", "any.key", "write");
  });

  test("otherwise goes by the routing key", () => {
    const { permissions } = granted("", "", "");
    permissions.topics.set({ vhost: "v", user: "u", exchange: "x", write: "^w\\.", read: "^r\\." });
    permissions.checkTopic("u", "v", "x", "w.1", "write");
    permissions.checkTopic("u", "v", "x", "r.1", "read");
    assert.throws(() => permissions.checkTopic("u", "v", "x", "r.1", "write"), {
      replyCode: 403,
      message: "write access to topic 'r.1' in exchange 'x' in vhost 'v' refused for user 'u'",
    });
    assert.equal(permissions.topics.clear("v", "u", "x"), true);
    assert.equal(permissions.topics.clear("v", "u", "x"), false);
    permissions.checkTopic("u", "v", "x", "r.1", "write");
  });

  test("{username} and {vhost} stand for the names, literally", () => {
    const permissions = new Permissions(new MemoryDefinitions());
    permissions.topics.set({ vhost: "a+b", user: ".*", exchange: "x", write: "^{vhost}\\.{username}\\.", read: "" });
    permissions.checkTopic(".*", "a+b", "x", "a+b..*.k", "write");
    assert.throws(() => permissions.checkTopic(".*", "a+b", "x", "a+b.other.k", "write"), { replyCode: 403 });
    assert.equal(permissions.topics.get("a+b", ".*", "x")?.write, "^{vhost}\\.{username}\\.");
  });
});

describe("permissions", () => {
  test("go with their user and with their virtual host", () => {
    const definitions = new MemoryDefinitions();
    const permissions = new Permissions(definitions);
    for (const vhost of ["v", "w"]) {
      for (const user of ["u", "t"]) {
        permissions.set({ vhost, user, configure: "", write: "", read: "" });
        permissions.topics.set({ vhost, user, exchange: "x", write: "", read: "" });
      }
    }
    assert.equal(definitions.stored.length, 8);
    permissions.clearUser("u");
    permissions.clearVhost("w");
    assert.deepEqual([...permissions.list()], [{ vhost: "v", user: "t", configure: "", write: "", read: "" }]);
    assert.deepEqual([...permissions.topics.list()], [{ vhost: "v", user: "t", exchange: "x", write: "", read: "" }]);
    assert.equal(definitions.stored.length, 2);
  });

  test("every change moves the generation, topic permissions included", () => {
    const permissions = new Permissions(new MemoryDefinitions());
    const seen = new Set([permissions.generation]);
    for (const change of [
      () => permissions.set({ vhost: "v", user: "u", configure: "", write: "", read: "" }),
      () => permissions.topics.set({ vhost: "v", user: "u", exchange: "x", write: "", read: "" }),
      () => permissions.clear("v", "u"),
      () => permissions.topics.clear("v", "u", "x"),
    ]) {
      change();
      seen.add(permissions.generation);
    }
    assert.equal(seen.size, 5);
  });

  test("[recovery] come back as they were, and damaged ones are refused", () => {
    const { permissions, definitions } = granted("^c", "^w", "^r");
    permissions.topics.set({ vhost: "v", user: "u", exchange: "x", write: "^w", read: "" });
    const restored = new Permissions(new MemoryDefinitions());
    for (const { kind, id, value } of definitions.stored) {
      (kind === "permission" ? restored : restored.topics).restore(id, value);
    }
    assert.deepEqual([...restored.list()], [...permissions.list()]);
    assert.deepEqual([...restored.topics.list()], [...permissions.topics.list()]);
    restored.checkResource("u", "v", "queue", "c", "configure");
    assert.throws(() => restored.checkTopic("u", "v", "x", "k", "write"), { replyCode: 403 });
    for (const damaged of [null, {}, { vhost: "v", user: "u", configure: "(", write: "", read: "" }]) {
      assert.throws(() => restored.restore("id", damaged), InvalidDefinitionError);
      assert.throws(() => restored.topics.restore("id", damaged), InvalidDefinitionError);
    }
  });
});
