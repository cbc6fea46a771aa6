import fc from "fast-check";
import type { FieldTable, FieldValue } from "../../src/wire/field-table.ts";
import type { ArgumentType } from "../../src/wire/method-table.ts";
import { METHODS, type MethodName } from "../../src/wire/methods.ts";
import { stringFromOctets } from "../../src/wire/octet-string.ts";
import type { Properties } from "../../src/wire/properties.ts";

/** Random inputs for the properties of the wire layer. fast-check prints seed and path of a failure for its replay. */

/** `bytesMin` to `bytesMax` octets; all lengths, not only the short ones that fast-check prefers. */
export const octets = (bytesMax: number, bytesMin = 0): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: bytesMin, maxLength: bytesMax, size: "max" }).map((array) => Buffer.from(array));

/** fc.record of objects with the usual prototype, which `deepEqual` compares too. */
export function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** Text of at most 255 octets, any characters. */
const text = fc.string({ unit: "binary", maxLength: 60, size: "max" });

/** What may be in a shortstr or longstr: text, or octets that are not UTF-8. */
export const octetString: fc.Arbitrary<string> = fc.oneof(
  text,
  octets(40).map((buffer) => stringFromOctets(buffer, 0, buffer.length)),
);

const float = fc.float({ noNaN: true });
const double = fc.double();

export const { fieldTable, fieldValue } = fc.letrec<{ fieldTable: FieldTable; fieldValue: FieldValue }>((tie) => ({
  fieldTable: fc.array(fc.tuple(octetString, tie("fieldValue")), { maxLength: 6 }).map((entries) => new Map(entries)),
  fieldValue: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    record({ type: fc.constant("longstr" as const), value: octetString }),
    integer("signedint", -0x80000000, 0x7fffffff),
    integer("unsignedint", 0, 0xffffffff),
    integer("short", -0x8000, 0x7fff),
    integer("unsignedshort", 0, 0xffff),
    integer("byte", -0x80, 0x7f),
    integer("unsignedbyte", 0, 0xff),
    record({ type: fc.constant("long" as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    record({ type: fc.constant("timestamp" as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
    record({ type: fc.constant("float" as const), value: float }),
    record({ type: fc.constant("double" as const), value: double }),
    record({ type: fc.constant("bool" as const), value: fc.boolean() }),
    record({
      type: fc.constant("decimal" as const),
      value: record({ scale: fc.integer({ min: 0, max: 255 }), unscaled: fc.integer({ min: 0, max: 0xffffffff }) }),
    }),
    record({ type: fc.constant("binary" as const), value: octets(20) }),
    fc.constant({ type: "void" as const, value: null }),
    record({ type: fc.constant("table" as const), value: tie("fieldTable") }),
    record({ type: fc.constant("array" as const), value: fc.array(tie("fieldValue"), { maxLength: 5 }) }),
  ),
}));

function integer<T extends FieldValue["type"]>(type: T, min: number, max: number) {
  return record({ type: fc.constant(type), value: fc.integer({ min, max }) });
}

export const properties: fc.Arbitrary<Properties> = fc.record(
  {
    contentType: octetString,
    contentEncoding: octetString,
    headers: fieldTable,
    deliveryMode: fc.integer({ min: 0, max: 255 }),
    priority: fc.integer({ min: 0, max: 255 }),
    correlationId: octetString,
    replyTo: octetString,
    expiration: octetString,
    messageId: octetString,
    timestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    type: octetString,
    userId: octetString,
    appId: octetString,
    clusterId: octetString,
  },
  { requiredKeys: [], noNullPrototype: true },
);

const argumentValues: Readonly<Record<ArgumentType, fc.Arbitrary<unknown>>> = {
  bit: fc.boolean(),
  octet: fc.integer({ min: 0, max: 0xff }),
  short: fc.integer({ min: 0, max: 0xffff }),
  long: fc.integer({ min: 0, max: 0xffffffff }),
  longlong: fc.maxSafeNat(),
  shortstr: text,
  longstr: octets(300),
  table: fieldTable,
};

/** Arguments of a method. They have the shape of `MethodArguments<name>`, which the compiler cannot know. */
export function methodArguments(name: MethodName): fc.Arbitrary<Record<string, unknown>> {
  const used = METHODS[name].arguments.filter(({ reserved }) => !reserved);
  return record(Object.fromEntries(used.map((argument) => [argument.name, argumentValues[argument.type]])));
}
