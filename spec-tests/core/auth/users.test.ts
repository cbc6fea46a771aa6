import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hashPassword, isPasswordHash, verifyPassword } from "../../../src/core/auth/password.ts";
import { UserDirectory } from "../../../src/core/auth/user-directory.ts";
import { InvalidDefinitionError } from "../../../src/core/definitions.ts";
import type { Random } from "../../../src/lib/random.ts";
import { stringFromOctets } from "../../../src/wire/octet-string.ts";
import { MemoryDefinitions } from "./memory-definitions.ts";

const SALT: Random = { fill: (target) => Object.assign(target, [0x90, 0x8d, 0xc6, 0x0a]) };

function directory(loopbackUsers?: readonly string[]) {
  const definitions = new MemoryDefinitions();
  const options = { definitions, random: SALT };
  const users = new UserDirectory(loopbackUsers === undefined ? options : { ...options, loopbackUsers });
  return { users, definitions };
}

describe("password hashes", () => {
  test("are those of RabbitMQ's documentation", () => {
    const hash = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR";
    assert.equal(hashPassword("test12", SALT), hash);
    assert.equal(verifyPassword("test12", hash, "rabbit_password_hashing_sha256"), true);
    assert.equal(verifyPassword("test13", hash, "rabbit_password_hashing_sha256"), false);
  });

  test("of every algorithm found in definition files are verified, by that algorithm alone", () => {
    const algorithms = [
      "rabbit_password_hashing_sha256",
      "rabbit_password_hashing_sha512",
      "rabbit_password_hashing_md5",
    ] as const;
    for (const algorithm of algorithms) {
      const hash = hashPassword("pässword", SALT, algorithm);
      for (const other of algorithms) assert.equal(verifyPassword("pässword", hash, other), other === algorithm);
    }
  });

  test("tell passwords that are not UTF-8 apart", () => {
    const [a, b] = [0xfe, 0xff].map((octet) => stringFromOctets(Buffer.from([octet]), 0, 1));
    const hash = hashPassword(a!, SALT);
    assert.equal(verifyPassword(a!, hash, "rabbit_password_hashing_sha256"), true);
    assert.equal(verifyPassword(b!, hash, "rabbit_password_hashing_sha256"), false);
  });

  test("are base64, and the empty one belongs to no password", () => {
    assert.equal(isPasswordHash(hashPassword("p", SALT)), true);
    assert.equal(isPasswordHash(""), true);
    assert.equal(isPasswordHash("not base64!"), false);
    for (const password of ["", "p"]) assert.equal(verifyPassword(password, "", "rabbit_password_hashing_md5"), false);
  });
});

describe("user directory", () => {
  test("[authenticate] the right password gives the user", () => {
    const { users } = directory();
    const added = users.add("alice", { password: "secret" }, ["administrator"]);
    assert.deepEqual(users.authenticate("alice", "secret", false), { user: added });
    assert.deepEqual(added.tags, ["administrator"]);
  });

  test("[authenticate] a wrong password and an unknown user are refused alike", () => {
    const { users } = directory();
    users.add("alice", { password: "secret" }, []);
    assert.deepEqual(users.authenticate("alice", "Secret", true), { reason: "user 'alice' - invalid credentials" });
    assert.deepEqual(users.authenticate("bob", "secret", true), { reason: "user 'bob' - invalid credentials" });
  });

  test("[authenticate] a blank password is refused, whatever is stored", () => {
    const { users } = directory();
    users.add("blank", { password: "" }, []);
    users.add("none", undefined, []);
    users.add(
      "hashed",
      { passwordHash: hashPassword("", SALT), hashingAlgorithm: "rabbit_password_hashing_sha256" },
      [],
    );
    for (const name of ["blank", "none", "hashed"]) {
      assert.match(users.authenticate(name, "", true).reason ?? "", /blank password/);
    }
    for (const name of ["blank", "none"]) assert.match(users.authenticate(name, "x", true).reason ?? "", /invalid/);
  });

  test("[authenticate/loopback_users] guest logs in from this machine only, unless configured otherwise", () => {
    for (const [loopbackUsers, guestFromAfar, otherFromAfar] of [
      [undefined, false, true],
      [[], true, true],
      [["other"], true, false],
    ] as const) {
      const { users } = directory(loopbackUsers);
      for (const name of ["guest", "other"]) {
        users.add(name, { password: "p" }, []);
        assert.equal(users.authenticate(name, "p", true).user?.name, name);
      }
      assert.equal(users.authenticate("guest", "p", false).user !== undefined, guestFromAfar);
      assert.equal(users.authenticate("other", "p", false).user !== undefined, otherFromAfar);
    }
  });

  test("[add] a name is taken once; [put] replaces", () => {
    const { users } = directory();
    users.add("alice", { password: "one" }, ["monitoring"]);
    assert.throws(() => users.add("alice", { password: "two" }, []), { replyCode: 406 });
    users.put("alice", { password: "two" }, []);
    assert.equal(users.authenticate("alice", "one", true).user, undefined);
    assert.deepEqual(users.authenticate("alice", "two", true).user?.tags, []);
    assert.deepEqual([...users.list()].length, 1);
  });

  test("[put] takes the hash of an imported user, and refuses what is none", () => {
    const { users } = directory();
    const passwordHash = hashPassword("p", SALT, "rabbit_password_hashing_sha512");
    users.put("alice", { passwordHash, hashingAlgorithm: "rabbit_password_hashing_sha512" }, []);
    assert.equal(users.authenticate("alice", "p", true).user?.name, "alice");
    assert.throws(() => users.put("alice", { passwordHash, hashingAlgorithm: "toString" }, []), { replyCode: 406 });
    assert.throws(
      () => users.put("alice", { passwordHash: "?", hashingAlgorithm: "rabbit_password_hashing_md5" }, []),
      { replyCode: 406 },
    );
    assert.throws(() => users.put("", { password: "p" }, []), { replyCode: 406 });
  });

  test("[delete] a deleted user cannot log in", () => {
    const { users, definitions } = directory();
    users.add("alice", { password: "p" }, []);
    assert.equal(users.delete("alice"), true);
    assert.equal(users.delete("alice"), false);
    assert.equal(users.get("alice"), undefined);
    assert.equal(users.authenticate("alice", "p", true).user, undefined);
    assert.deepEqual(definitions.stored, []);
  });

  test("every change moves the generation, and nothing else does", () => {
    const { users } = directory();
    const seen = [users.generation];
    const note = () => seen.push(users.generation);
    users.add("a", { password: "p" }, []);
    note();
    users.put("a", { password: "p" }, ["x"]);
    note();
    users.delete("a");
    note();
    assert.equal(new Set(seen).size, 4);
    users.delete("a");
    users.authenticate("a", "p", true);
    assert.equal(users.generation, seen.at(-1));
  });

  test("[recovery] users come back as they were, and damaged ones are refused", () => {
    const { users, definitions } = directory();
    users.add("alice", { password: "p" }, ["management", "impersonator"]);
    const restored = directory().users;
    for (const { id, value } of definitions.stored) restored.restore(id, value);
    assert.deepEqual(restored.get("alice"), users.get("alice"));
    assert.equal(restored.authenticate("alice", "p", false).user?.name, "alice");
    const value = definitions.stored[0]!.value as object;
    for (const damaged of [
      undefined,
      {},
      { ...value, name: "bob" },
      { ...value, passwordHash: 1 },
      { ...value, passwordHash: "?" },
      { ...value, hashingAlgorithm: "rot13" },
      { ...value, tags: "administrator" },
    ]) {
      assert.throws(() => restored.restore("alice", damaged), InvalidDefinitionError);
    }
  });
});
