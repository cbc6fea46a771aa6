import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  amqplainMechanism,
  anonymousMechanism,
  defaultMechanisms,
  plainMechanism,
} from "../../../src/core/auth/sasl.ts";
import { encodeTable, encodeTableBody, tableFrom } from "../../../src/wire/field-table.ts";

function octets(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

describe("[connection.start-ok] PLAIN", () => {
  test("is NUL user NUL password", () => {
    assert.deepEqual(plainMechanism.decode(octets("\0user\0pässword")), {
      kind: "password",
      user: "user",
      password: "pässword",
    });
    assert.deepEqual(plainMechanism.decode(octets("\0\0")), { kind: "password", user: "", password: "" });
  });

  test("anything else is malformed, an authorization identity included", () => {
    for (const response of ["", "user", "\0user", "admin\0user\0password", "user\0password", "\0user\0pass\0word"]) {
      assert.equal(plainMechanism.decode(octets(response)).kind, "malformed", JSON.stringify(response));
    }
  });
});

describe("[connection.start-ok] AMQPLAIN", () => {
  test("is a table without its length, with LOGIN and PASSWORD", () => {
    const response = encodeTableBody(tableFrom({ LOGIN: "user", PASSWORD: "password", extra: 1 }));
    assert.deepEqual(amqplainMechanism.decode(response), { kind: "password", user: "user", password: "password" });
  });

  test("anything else is malformed", () => {
    for (const response of [
      octets(""),
      octets("\0user\0password"),
      encodeTable(tableFrom({ LOGIN: "user", PASSWORD: "password" })),
      encodeTableBody(tableFrom({ LOGIN: "user" })),
      encodeTableBody(tableFrom({ LOGIN: "user", PASSWORD: 1 })),
      encodeTableBody(tableFrom({ LOGIN: "user", PASSWORD: "password" })).subarray(0, -1),
    ]) {
      assert.equal(amqplainMechanism.decode(response).kind, "malformed");
    }
  });
});

describe("SASL", () => {
  test("ANONYMOUS is the configured user, whatever the response", () => {
    const mechanism = anonymousMechanism({ user: "guest", password: "guest" });
    for (const response of ["", "trace information"]) {
      assert.deepEqual(mechanism.decode(octets(response)), { kind: "password", user: "guest", password: "guest" });
    }
  });

  test("no response makes a mechanism throw, and no reason shows what the client sent", () => {
    const mechanisms = defaultMechanisms({ user: "guest", password: "guest" });
    assert.deepEqual(
      mechanisms.map((each) => each.name),
      ["PLAIN", "AMQPLAIN", "ANONYMOUS"],
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (response) => {
        for (const mechanism of mechanisms) mechanism.decode(Buffer.from(response));
      }),
      { numRuns: 500 },
    );
    const secret = plainMechanism.decode(octets("hunter2"));
    assert.equal(JSON.stringify(secret).includes("hunter2"), false);
  });
});
