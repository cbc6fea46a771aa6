import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replyText } from "../../src/wire/reply-codes.ts";

describe("reply text", () => {
  it("is the name and the explanation", () => {
    assert.equal(replyText("NOT_FOUND", "no queue 'q' in vhost '/'"), "NOT_FOUND - no queue 'q' in vhost '/'");
  });

  it("of 255 octets is whole", () => {
    const explanation = "x".repeat(255 - "NOT_FOUND - ".length);
    assert.equal(replyText("NOT_FOUND", explanation), `NOT_FOUND - ${explanation}`);
  });

  it("of more is cut to 252 octets and three dots", () => {
    const text = replyText("NOT_FOUND", "x".repeat(300));
    assert.equal(text, `NOT_FOUND - ${"x".repeat(240)}...`);
  });

  it("is never cut through a character", () => {
    for (let before = 0; before < 4; before++) {
      const text = replyText("NOT_FOUND", "x".repeat(before) + "🧀".repeat(100));
      assert.match(text, /^NOT_FOUND - x*(🧀)+\.\.\.$/u);
      assert.ok(Buffer.byteLength(text) <= 255 && Buffer.byteLength(text) > 251);
    }
  });
});
