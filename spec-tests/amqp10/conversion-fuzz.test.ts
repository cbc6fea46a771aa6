import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { described, encodeValue, list, readValue, type Typed, ulong } from "../../src/amqp10/codec/types.ts";
import { checkValue } from "../../src/amqp10/codec/value-check.ts";
import { IncomingMessage } from "../../src/amqp10/conversion/incoming-message.ts";
import { fingerprint } from "../../src/amqp10/conversion/fingerprint.ts";
import { ORIGINAL_SECTIONS_HEADER, setFingerprint } from "../../src/amqp10/conversion/original-sections.ts";
import { encodeOutgoing } from "../../src/amqp10/conversion/outgoing-message.ts";
import { readSections } from "../../src/amqp10/conversion/sections.ts";
import { Amqp10Error } from "../../src/amqp10/error-condition.ts";
import { compileSelector } from "../../src/amqp10/selector/compile-selector.ts";
import { Message } from "../../src/core/message.ts";
import { encodeContent } from "../../src/wire/content.ts";
import type { FieldTable, FieldValue } from "../../src/wire/field-table.ts";
import { encodeProperties, type Properties } from "../../src/wire/properties.ts";
import { randomValue } from "../fuzz/amqp10/mutations.ts";
import { fuzzSettings } from "../fuzz/environment.ts";
import { SeededRandom } from "../fuzz/seeded-random.ts";

const CASES = 500;
const HEADER_NAMES = [
  "x-death",
  "x-delivery-count",
  "x-first-death-queue",
  ORIGINAL_SECTIONS_HEADER,
  "x-opt-deaths",
  "x-stream-offset",
  "CC",
  "x-cc",
  "x",
  "ü",
  "",
];
const DEATH_KEYS = ["queue", "reason", "count", "time", "exchange", "routing-keys", "original-expiration"];

/** Runs `check` with random numbers of its own for each case, and says how to run one again that fails. */
function forCases(t: TestContext, check: (random: SeededRandom) => void): void {
  const { seed, first, last } = fuzzSettings(CASES);
  t.diagnostic(`LEVERET_FUZZ_SEED=${seed}`);
  for (let index = first; index <= last; index++) {
    try {
      check(new SeededRandom(seed + index));
    } catch (error) {
      throw new Error(`LEVERET_FUZZ_SEED=${seed} LEVERET_FUZZ_CASE=${index}: ${String(error)}`, { cause: error });
    }
  }
}

test("[conversion] any sections are converted or refused, and what has been converted can be sent", (t) => {
  const selects = compileSelector("a = 1 OR JMSType LIKE '%x' OR p.message_id = 'y' OR JMSTimestamp > 5");
  let taken = 0;
  forCases(t, (random) => {
    const sections = [0x70, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78].filter(() => random.chance(0.5));
    const octets = Buffer.concat(sections.map((code) => randomSection(random, code)));
    let message: Message;
    try {
      message = new IncomingMessage(octets).publishAs("exchange", "key", 131_072);
    } catch (error) {
      assert.ok(error instanceof Amqp10Error, String((error as Error).stack));
      return;
    }
    taken++;
    const sent = encodeOutgoing(message, false);
    readSections(sent, 0, sent.length);
    selects(message);
  });
  t.diagnostic(`${taken} were converted`);
});

test("[conversion] whatever a 0-9-1 client has made up for properties and headers can be sent", (t) => {
  const selects = compileSelector("JMSType LIKE '%x' OR p.message_id = 'y'");
  forCases(t, (random) => {
    const properties = randomProperties(random);
    const packed = properties.headers?.get(ORIGINAL_SECTIONS_HEADER)?.value;
    if (Buffer.isBuffer(packed)) setFingerprint(packed, fingerprint(properties));
    const content = encodeContent(encodeProperties(properties), Buffer.from("body"), 131_072);
    const message = new Message();
    message.buffer = Buffer.concat([Buffer.of(1, 0x65, 1, 0x6b), content]);
    message.addressEnd = 4;
    message.contentStart = 4;
    message.contentEnd = message.buffer.length;
    message.bodyBytes = 4;
    const sent = encodeOutgoing(message, true);
    readSections(sent, 0, sent.length);
    selects(message);
  });
});

/** A section of that kind with any values in it. */
function randomSection(random: SeededRandom, code: number): Buffer {
  const head = Buffer.of(0, 0x53, code);
  if (code === 0x75) return Buffer.concat([head, Buffer.of(0xa0, 1, 0x78)]);
  if (code === 0x77 || random.chance(0.05)) return Buffer.concat([head, randomValue(random, 3)]);
  const isMap = code === 0x72 || code === 0x74 || code === 0x78;
  const items: Buffer[] = [];
  for (let count = random.integer(0, 11); count > 0; count--) {
    if (isMap) items.push(random.chance(0.8) ? key(random) : randomValue(random, 1));
    items.push(random.chance(0.3) ? Buffer.of(0x40) : randomValue(random, isMap ? 3 : random.integer(0, 1)));
  }
  const content = Buffer.concat(items);
  const sizes = Buffer.alloc(9);
  sizes[0] = isMap ? 0xd1 : 0xd0;
  sizes.writeUInt32BE(content.length + 4, 1);
  sizes.writeUInt32BE(items.length, 5);
  const section = Buffer.concat([head, sizes, content]);
  assert.equal(checkValue(section, 0, section.length), section.length);
  return section;
}

function key(random: SeededRandom): Buffer {
  const name = Buffer.from(
    random.pick([...HEADER_NAMES, "x-basic-type", "x-basic-expiration", "x-basic-delivery-mode", "a"]),
  );
  return Buffer.concat([Buffer.of(0xa3, name.length), name]);
}

function randomProperties(random: SeededRandom): Properties {
  const maybe = <Value>(value: Value): Value | undefined => (random.chance(0.4) ? value : undefined);
  const text = (): string | undefined =>
    maybe(random.pick(["", "x", "x".repeat(255), "urn:uuid:0", "\udcff\udc80", "ü"]));
  const long = random.pick([0n, 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]);
  return {
    contentType: text(),
    contentEncoding: text(),
    headers: maybe(randomTable(random, HEADER_NAMES, 3)),
    deliveryMode: maybe(random.integer(0, 255)),
    priority: maybe(random.integer(0, 255)),
    correlationId: text(),
    replyTo: text(),
    expiration: maybe(random.pick(["0", "+5", "-0", "315360000000"])),
    messageId: text(),
    timestamp: maybe(long),
    type: maybe(random.pick(["amqp-1.0", "x".repeat(255), "\udcff"])),
    userId: text(),
    appId: text(),
    clusterId: text(),
  };
}

function randomTable(random: SeededRandom, names: readonly string[], depth: number): FieldTable {
  const table = new Map<string, FieldValue>();
  for (let count = random.integer(0, 6); count > 0; count--) {
    const name = random.pick(names);
    table.set(name, name === ORIGINAL_SECTIONS_HEADER ? packedSections(random) : randomField(random, depth));
  }
  return table;
}

/** What the broker itself would have put there, made up. */
function packedSections(random: SeededRandom): FieldValue {
  const head = Buffer.alloc(8, 0xff);
  const value: Typed = readValue(randomValue(random, 2), 0);
  const properties = encodeValue(described(ulong(0x73), list([])));
  const octets = random.chance(0.5)
    ? Buffer.concat([head, randomSection(random, 0x73)])
    : Buffer.concat([head, properties]);
  if (value.descriptor !== undefined) octets[random.integer(0, octets.length - 1)] = random.integer(0, 255);
  return { type: "binary", value: octets };
}

function randomField(random: SeededRandom, depth: number): FieldValue {
  const choices: (() => FieldValue)[] = [
    () => ({ type: "longstr", value: random.pick(["", "x", "x".repeat(300), "\udcff", "-1", "ü".repeat(200)]) }),
    () => ({ type: "long", value: random.pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n]) }),
    () => ({ type: "timestamp", value: random.pick([0n, 2n ** 64n - 1n, 2n ** 53n]) }),
    () => ({ type: "signedint", value: random.pick([-(2 ** 31), 0, 2 ** 31 - 1]) }),
    () => ({ type: "unsignedint", value: 2 ** 32 - 1 }),
    () => ({ type: "byte", value: -128 }),
    () => ({ type: "unsignedbyte", value: 255 }),
    () => ({ type: "short", value: -32_768 }),
    () => ({ type: "unsignedshort", value: 65_535 }),
    () => ({ type: "float", value: Number.NaN }),
    () => ({ type: "double", value: Number.NEGATIVE_INFINITY }),
    () => ({ type: "bool", value: true }),
    () => ({ type: "decimal", value: { scale: 255, unscaled: 2 ** 32 - 1 } }),
    () => ({ type: "binary", value: Buffer.alloc(300) }),
    () => ({ type: "void", value: null }),
  ];
  const deep: (() => FieldValue)[] = [
    () => ({ type: "table", value: randomTable(random, DEATH_KEYS, depth - 1) }),
    () => ({ type: "array", value: [randomField(random, depth - 1), randomField(random, depth - 1)] }),
  ];
  return random.pick(depth > 0 && random.chance(0.5) ? deep : choices)();
}
