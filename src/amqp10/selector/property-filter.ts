/** Property filters of AMQP Filter Expressions 1.0 (CSD 01), 4.2.4 and 4.2.5, as far as RabbitMQ 4 has them. */

import type { Message } from "../../core/message.ts";
import { entriesOf, integerOf, type TypeName, textOf, typeName } from "../codec/type-names.ts";
import type { Typed } from "../codec/types.ts";
import { type BareSections, bareSections } from "../conversion/outgoing-message.ts";

/** Entries of one filter, as in RabbitMQ: each is looked at for every message. */
const ENTRIES_MAX = 16;

const IDS: readonly TypeName[] = ["string", "ulong", "uuid", "binary"];

/** The fields of a properties section in their order, and what a filter may compare them with. */
const PROPERTIES: readonly (readonly [name: string, types: readonly TypeName[]])[] = [
  ["message-id", IDS],
  ["user-id", ["binary"]],
  ["to", ["string"]],
  ["subject", ["string"]],
  ["reply-to", ["string"]],
  ["correlation-id", IDS],
  ["content-type", ["symbol"]],
  ["content-encoding", ["symbol"]],
  ["absolute-expiry-time", ["timestamp"]],
  ["creation-time", ["timestamp"]],
  ["group-id", ["string"]],
  ["group-sequence", ["uint"]],
  ["reply-to-group-id", ["string"]],
];

type Match = (value: Typed) => boolean;

/** One thing a filter asks of a message. */
export type PropertyTest = (sections: BareSections) => boolean;

/** True for messages that pass all `tests`. */
export function passesAll(tests: readonly PropertyTest[]): (message: Message) => boolean {
  return (message) => {
    const sections = bareSections(message);
    return tests.every((test) => test(sections));
  };
}

/** What an amqp:properties-filter asks; undefined when it is none, and so not in effect. */
export function propertiesFilter(filter: Typed): PropertyTest[] | undefined {
  return testsOf(filter, "symbol", (name, reference) => {
    const index = PROPERTIES.findIndex(([property]) => property === name);
    if (index < 0 || !PROPERTIES[index]?.[1].includes(typeName(reference))) return undefined;
    const match = matchOf(reference);
    return match && (({ properties }) => matches(match, properties[index]));
  });
}

/** What an amqp:application-properties-filter asks; undefined when it is none, and so not in effect. */
export function applicationPropertiesFilter(filter: Typed): PropertyTest[] | undefined {
  return testsOf(filter, "string", (name, reference) => {
    const match = matchOf(reference);
    return match && (({ applicationProperties }) => matches(match, applicationProperties.get(name)));
  });
}

function testsOf(
  filter: Typed,
  keyType: TypeName,
  compile: (name: string, reference: Typed) => PropertyTest | undefined,
): PropertyTest[] | undefined {
  const entries = entriesOf(filter) ?? [];
  if (entries.length === 0 || entries.length > ENTRIES_MAX) return undefined;
  const tests: PropertyTest[] = [];
  for (const [key, reference] of entries) {
    const name = typeName(key) === keyType ? textOf(key) : undefined;
    const test = name === undefined ? undefined : compile(name, reference);
    if (test === undefined) return undefined;
    tests.push(test);
  }
  return tests;
}

function matches(match: Match, value: Typed | undefined): boolean {
  return value !== undefined && typeName(value) !== "null" && match(value);
}

/** Undefined for a text with a modifier that there is not. */
function matchOf(reference: Typed): Match | undefined {
  const text = textOf(reference);
  if (text === undefined) return (value) => isSame(reference, value);
  const isText = (test: (value: string) => boolean): Match => {
    return (value) => test(textOf(value) ?? "") && textOf(value) !== undefined;
  };
  if (!text.startsWith("&")) return isText((value) => value === text);
  const rest = text.slice("&p:".length);
  if (text.startsWith("&p:")) return isText((value) => value.startsWith(rest));
  if (text.startsWith("&s:")) return isText((value) => value.endsWith(rest));
  return text.startsWith("&&") ? isText((value) => value === text.slice(1)) : undefined;
}

/** Numbers of all types are compared by value, others with those of their type. */
function isSame(reference: Typed, value: Typed): boolean {
  const integer = integerOf(reference);
  if (integer !== undefined && integer === integerOf(value)) return true;
  const [a, b] = [numberOf(reference), numberOf(value)];
  // Two integers that differ may be the same when they are rounded.
  if (a !== undefined && b !== undefined) return a === b && (integer === undefined || integerOf(value) === undefined);
  if (typeName(reference) !== typeName(value)) return false;
  switch (typeName(reference)) {
    case "binary":
    case "uuid":
      return (reference.value as Buffer).equals(value.value as Buffer);
    case "timestamp":
      return (reference.value as Date).getTime() === (value.value as Date).getTime();
    case "boolean":
      return Boolean(reference.value) === Boolean(value.value);
    case "char":
      return reference.value === value.value;
    default:
      return false;
  }
}

function numberOf(value: Typed): number | undefined {
  const name = typeName(value);
  if (name === "float" || name === "double") return value.value as number;
  const integer = integerOf(value);
  return integer === undefined ? undefined : Number(integer);
}
