import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentBody, contentProperties, encodeContent } from "../../src/wire/content.ts";
import { type FieldTable, long, tableFrom } from "../../src/wire/field-table.ts";
import { HeaderSplice } from "../../src/wire/header-splice.ts";
import { decodeProperties, encodeProperties, type Properties } from "../../src/wire/properties.ts";
import { fieldTable } from "./arbitraries.ts";

const NAME = "x-stream-offset";

interface Spliced {
  readonly properties: Properties;
  readonly body: Buffer;
  readonly grown: number;
}

/** Splices into `content`, which stands in the middle of a larger buffer, and reads the result back. */
function splice(content: Buffer, value: number, into = new HeaderSplice(NAME)): Spliced {
  const start = 11;
  const source = Buffer.concat([Buffer.alloc(start, 7), content, Buffer.alloc(5, 7)]);
  const grown = into.measure(source, start);
  const target = Buffer.alloc(3 + content.length + grown + 2, 9);
  into.write(source, start, start + content.length, value, target, 3);
  assert.deepEqual([...target.subarray(0, 3), ...target.subarray(-2)], [9, 9, 9, 9, 9], "nothing beside it is touched");
  const spliced = target.subarray(3, -2);
  const properties = contentProperties(spliced, 0);
  assert.equal(spliced[properties.end], 0xce, "the frame ends where its size says");
  return {
    properties: decodeProperties(spliced, properties.start, properties.end),
    body: contentBody(spliced, 0, spliced.length),
    grown,
  };
}

function contentOf(properties: Properties, body = "body"): Buffer {
  return encodeContent(encodeProperties(properties), Buffer.from(body), 131_072);
}

test("[header splice] a header is put into headers that are there, in front of the others", () => {
  const headers = tableFrom({ a: 1, b: "two" });
  const { properties, body } = splice(contentOf({ contentType: "t", headers, priority: 3 }), 42);
  assert.deepEqual([...(properties.headers as FieldTable)], [[NAME, long(42)], ...headers]);
  assert.deepEqual([properties.contentType, properties.priority, body.toString()], ["t", 3, "body"]);
});

test("[header splice] headers are added where there are none, at their place among the properties", () => {
  for (const others of [
    {},
    { contentType: "text/plain" },
    { contentEncoding: "gzip" },
    { contentType: "a", contentEncoding: "b", deliveryMode: 2, timestamp: 5n, appId: "app" },
  ] satisfies Properties[]) {
    const { properties, grown } = splice(contentOf(others), 7);
    assert.deepEqual(properties, { ...others, headers: new Map([[NAME, long(7)]]) });
    assert.equal(grown, 4 + 1 + NAME.length + 1 + 8);
  }
});

test("[header splice] a header of the same name is replaced, whatever its type", () => {
  for (const old of [1, "a long string that is longer than eight octets", null, { nested: { x: [1, 2] } }, true]) {
    const headers = tableFrom({ before: "b", [NAME]: old, after: "a" });
    const { properties } = splice(contentOf({ headers, messageId: "m" }), 2 ** 40 + 1);
    assert.deepEqual([...(properties.headers as FieldTable).keys()], [NAME, "before", "after"]);
    assert.deepEqual(properties.headers?.get(NAME), long(2 ** 40 + 1));
    assert.equal(properties.messageId, "m");
  }
});

test("[header splice] a name that only begins or ends alike is another name", () => {
  const headers = tableFrom({ "x-stream-offset-2": 1, "x-stream": 2 });
  assert.equal(splice(contentOf({ headers }), 0).properties.headers?.size, 3);
});

test("[header splice] malformed headers are kept as they are behind the new one", () => {
  const content = contentOf({ headers: tableFrom({ key: "value" }) });
  const at = content.indexOf("S", content.indexOf("key"));
  content[at] = 0x7e;
  const into = new HeaderSplice(NAME);
  const target = Buffer.alloc(content.length + into.measure(content, 0));
  into.write(content, 0, content.length, 9, target, 0);
  assert(target.includes(content.subarray(content.indexOf("key"))), "the old entries follow");
  assert(target.indexOf(NAME) < target.indexOf("key"));
});

test("[header splice] what is replaced goes, and headers behind it stay even when they are malformed", () => {
  const content = contentOf({ headers: tableFrom({ [NAME]: 1, key: "value" }) });
  content[content.indexOf("S", content.indexOf("key"))] = 0x7e;
  const into = new HeaderSplice(NAME);
  const target = Buffer.alloc(content.length + into.measure(content, 0));
  into.write(content, 0, content.length, 9, target, 0);
  assert.equal(target.length, content.length);
  assert.equal(target.indexOf(NAME), target.lastIndexOf(NAME));
  assert.ok(target.includes("value"));
});

test("[header splice] of several entries of the name none stays", () => {
  const content = contentOf({ headers: tableFrom({ [NAME]: 1, [`${NAME.slice(0, -1)}!`]: 2, key: "value" }) });
  content[content.lastIndexOf("!")] = NAME.charCodeAt(NAME.length - 1);
  const into = new HeaderSplice(NAME);
  const { properties } = splice(content, 7, into);
  assert.deepEqual([...(properties.headers?.keys() ?? [])], [NAME, "key"]);
  const spliced = (octets: Buffer): Buffer => {
    const target = Buffer.alloc(octets.length + into.measure(octets, 0));
    into.write(octets, 0, octets.length, 7, target, 0);
    return target;
  };
  assert.equal(spliced(content).indexOf(NAME), spliced(content).lastIndexOf(NAME));
});

test("[header splice] an empty body, a body in several frames, and one splice used many times", () => {
  const into = new HeaderSplice(NAME);
  assert.equal(splice(contentOf({}, ""), 1, into).body.length, 0);
  const body = Buffer.alloc(10_000, "x");
  const content = encodeContent(encodeProperties({ headers: tableFrom({ [NAME]: 5 }) }), body, 4096);
  assert.deepEqual(splice(content, 2, into).body, body);
  assert.equal(splice(contentOf({ deliveryMode: 1 }), 3, into).properties.deliveryMode, 1);
});

test("[header splice] equals decoding, setting and encoding for any headers", () => {
  const value = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(fieldTable, fc.boolean(), value, (headers, hasIt, offset) => {
      const given: FieldTable = hasIt ? new Map([...headers, [NAME, long(1)]]) : headers;
      const { properties } = splice(contentOf({ headers: given }), offset);
      const expected = new Map([[NAME, long(offset)], ...[...headers].filter(([key]) => key !== NAME)]);
      assert.deepEqual(encodeProperties({ headers: properties.headers }), encodeProperties({ headers: expected }));
    }),
  );
});
