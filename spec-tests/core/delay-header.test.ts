import assert from "node:assert/strict";
import { test } from "node:test";
import { DELAY_MILLISECONDS_MAX, DelayMark, delayOf } from "../../src/core/delay-header.ts";
import { Message } from "../../src/core/message.ts";
import { readRecord, recordBytesOf, writeRecord } from "../../src/core/queue/record.ts";
import { contentBody, contentPropertiesEnd, contentPropertiesStart, encodeContent } from "../../src/wire/content.ts";
import { array, type FieldValue, long, longstr, tableFrom } from "../../src/wire/field-table.ts";
import { decodeProperties, encodeProperties, type Properties } from "../../src/wire/properties.ts";

const ADDRESS = Buffer.from("\x01x\x03key", "latin1");

function messageWith(properties: Properties, body = "body"): Message {
  const message = new Message();
  // Not at the beginning of its buffer, as in a connection's input.
  const prefix = Buffer.from("something before");
  const content = encodeContent(encodeProperties(properties), Buffer.from(body), 4096);
  message.buffer = Buffer.concat([prefix, ADDRESS, content]);
  message.addressStart = prefix.length;
  message.addressEnd = prefix.length + ADDRESS.length;
  message.contentStart = message.addressEnd;
  message.contentEnd = message.buffer.length;
  message.bodyBytes = body.length;
  return message;
}

/** What is recorded of a message that waits. */
function recorded(message: Message): Message {
  const mark = new DelayMark();
  const delay = mark.read(message);
  assert.equal(delay, delayOf(message));
  mark.set(message, delay);
  message.splice = mark;
  const bytes = recordBytesOf(message);
  const record = Buffer.alloc(bytes);
  writeRecord(message, true, bytes, record, 0);
  message.splice = undefined;
  const copy = new Message();
  readRecord(record, 0, copy);
  return copy;
}

function delayed(value: FieldValue): number {
  return delayOf(messageWith({ headers: new Map([["x-delay", value]]) }));
}

function propertiesOf({ buffer, contentStart }: Message): Properties {
  return decodeProperties(buffer, contentPropertiesStart(contentStart), contentPropertiesEnd(buffer, contentStart));
}

test("[x-delay] a delay may be a number of any type, or digits", () => {
  for (const type of ["byte", "unsignedbyte"] as const) assert.equal(delayed({ type, value: 100 }), 100);
  for (const type of ["short", "unsignedshort"] as const) assert.equal(delayed({ type, value: 30_000 }), 30_000);
  for (const type of ["signedint", "unsignedint"] as const) assert.equal(delayed({ type, value: 2 ** 30 }), 2 ** 30);
  for (const type of ["float", "double"] as const) assert.equal(delayed({ type, value: 1500.75 }), 1500);
  assert.equal(delayed(long(5000)), 5000);
  assert.equal(delayed({ type: "unsignedbyte", value: 255 }), 255);
  assert.equal(delayed({ type: "unsignedshort", value: 65_535 }), 65_535);
  assert.equal(delayed(longstr("5000")), 5000);
  assert.equal(delayed(longstr("+5000")), 5000);
});

test("[x-delay] the longest delay is 4294967295 ms; a longer one is none", () => {
  assert.equal(delayed({ type: "unsignedint", value: 4_294_967_295 }), DELAY_MILLISECONDS_MAX);
  assert.equal(delayed(long(4_294_967_295)), 4_294_967_295);
  assert.equal(delayed(long(4_294_967_296)), 0);
  assert.equal(delayed(long(2n ** 62n)), 0);
  assert.equal(delayed(longstr("99999999999999999999")), 0);
});

test("[x-delay] zero, a negative number and what is no number are no delay", () => {
  for (const value of [0, -1, -5000]) {
    assert.equal(delayed(long(value)), 0);
    assert.equal(delayed({ type: "signedint", value }), 0);
    assert.equal(delayed({ type: "short", value }), 0);
    assert.equal(delayed({ type: "double", value }), 0);
  }
  assert.equal(delayed({ type: "byte", value: -1 }), 0);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 0.9]) assert.equal(delayed({ type: "double", value }), 0);
  for (const text of ["", "soon", "5s", "1.5", "-5", "0x10", " 5"]) assert.equal(delayed(longstr(text)), 0, text);
  assert.equal(delayed({ type: "bool", value: true }), 0);
  assert.equal(delayed({ type: "timestamp", value: 5000n }), 0);
  assert.equal(delayed({ type: "void", value: null }), 0);
  assert.equal(delayed(array([5000])), 0);
});

test("[x-delay] only a header of that very name counts", () => {
  assert.equal(delayOf(messageWith({})), 0);
  assert.equal(delayOf(messageWith({ contentType: "x-delay" })), 0);
  assert.equal(
    delayOf(messageWith({ headers: tableFrom({ "X-Delay": 5000, "x-delays": 1, nested: { "x-delay": 7 } }) })),
    0,
  );
  assert.equal(delayOf(messageWith({ headers: tableFrom({ nested: { "x-delay": 7 }, "x-delay": 5000 }) })), 5000);
});

for (const [what, value] of [
  ["a short", { type: "short", value: 5000 }],
  ["an int", { type: "signedint", value: 5000 }],
  ["a long", long(5000)],
  ["digits", longstr("5000")],
] as const) {
  test(`[x-delay/copy] the copy has the delay as a negative long; it was ${what}`, () => {
    const headers = new Map<string, FieldValue>([
      ["a", longstr("1")],
      ["x-delay", value],
      ["CC", array(["k"])],
    ]);
    const message = messageWith(
      { contentType: "text/plain", headers, deliveryMode: 2, messageId: "m" },
      "x".repeat(9000),
    );
    message.publishedAt = 17;
    message.bcc = Buffer.from("hidden");
    const copy = recorded(message);

    const { headers: copied, ...others } = propertiesOf(copy);
    assert.deepEqual(others, { contentType: "text/plain", deliveryMode: 2, messageId: "m" });
    assert.deepEqual(copied?.get("x-delay"), long(-5000));
    assert.deepEqual([copied?.get("a"), copied?.get("CC"), copied?.size], [longstr("1"), array(["k"]), 3]);
    assert.equal(delayOf(copy), 0);
    assert.equal(copy.exchangeName, "x");
    assert.equal(copy.routingKey, "key");
    assert.deepEqual(contentBody(copy.buffer, copy.contentStart, copy.contentEnd), Buffer.from("x".repeat(9000)));
    assert.deepEqual([copy.publishedAt, copy.bcc.toString(), copy.bodyBytes], [17, "hidden", 9000]);
    assert.equal(delayOf(message), 5000, "the original is as it was");
  });
}

test("[x-delay/copy] the longest delay is negative too", () => {
  const message = messageWith({ headers: tableFrom({ "x-delay": DELAY_MILLISECONDS_MAX }) });
  const copy = recorded(message);
  assert.deepEqual(propertiesOf(copy).headers?.get("x-delay"), long(-4_294_967_295));
});
