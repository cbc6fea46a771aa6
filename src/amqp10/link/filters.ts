/** The filters of a source. RabbitMQ 4: "AMQP 1.0 Filter Expressions", "Streams"; JMS selectors from the registry of Apache. */

import type { Message } from "../../core/message.ts";
import type { FieldValue } from "../../wire/field-table.ts";
import { integerOf, textOf, typeName } from "../codec/type-names.ts";
import { symbolMap, type Typed } from "../codec/types.ts";
import { compileSelector } from "../selector/compile-selector.ts";
import {
  applicationPropertiesFilter,
  passesAll,
  propertiesFilter,
  type PropertyTest,
} from "../selector/property-filter.ts";

const OFFSET = "rabbitmq:stream-offset-spec";
const FILTER = "rabbitmq:stream-filter";
const MATCH_UNFILTERED = "rabbitmq:stream-match-unfiltered";
const SELECTOR = "apache.org:selector-filter:string";
const PROPERTIES = "amqp:properties-filter";
const APPLICATION_PROPERTIES = "amqp:application-properties-filter";

const CODES: ReadonlyMap<bigint, string> = new Map([
  [0x0000468c00000004n, SELECTOR],
  [0x173n, PROPERTIES],
  [0x174n, APPLICATION_PROPERTIES],
]);

/** The filters asked for, as far as they can be. */
export interface Filters {
  /** Those in effect, for the answer; undefined when none was asked for. */
  readonly effective: Typed | undefined;
  /** What they are as arguments of a consumer. */
  readonly arguments: readonly (readonly [string, FieldValue])[];
  /** Whether a message is wanted; undefined: all are. */
  readonly selects: ((message: Message) => boolean) | undefined;
}

/**
 * @param selects whether a selector or a property filter can be in effect; it is ignored otherwise, as filters are that
 *   nobody knows
 * @throws Amqp10Error amqp:invalid-field for a selector that is none
 */
export function readFilters(requested: ReadonlyMap<string, Typed>, selects: boolean): Filters {
  const effective: [string, Typed][] = [];
  const consumerArguments: (readonly [string, FieldValue])[] = [];
  const propertyTests: PropertyTest[] = [];
  let selector: ((message: Message) => boolean) | undefined;
  for (const [name, filter] of requested) {
    const kind = kindOf(filter) ?? name;
    const value = undescribed(filter);
    const argument = argumentOf(kind, value);
    const tests = selects ? propertyTestsOf(kind, value) : undefined;
    const text = kind === SELECTOR && selects ? textOf(value) : undefined;
    if (argument !== undefined) consumerArguments.push(argument);
    else if (tests !== undefined) propertyTests.push(...tests);
    else if (text !== undefined) selector = compileSelector(text);
    else continue;
    effective.push([name, filter]);
  }
  return {
    // An empty map, as in RabbitMQ: the client is to see that what it has asked for is not in effect.
    effective: requested.size === 0 ? undefined : symbolMap(effective),
    arguments: consumerArguments,
    selects: both(selector, propertyTests.length === 0 ? undefined : passesAll(propertyTests)),
  };
}

/** What a filter's descriptor says it is. */
function kindOf({ descriptor }: Typed): string | undefined {
  if (descriptor === undefined) return undefined;
  const code = integerOf(descriptor);
  return code === undefined ? textOf(descriptor) : CODES.get(code);
}

function propertyTestsOf(kind: string, value: Typed): PropertyTest[] | undefined {
  if (kind === PROPERTIES) return propertiesFilter(value);
  return kind === APPLICATION_PROPERTIES ? applicationPropertiesFilter(value) : undefined;
}

type Selects = Filters["selects"];

function both(a: Selects, b: Selects): Selects {
  return a !== undefined && b !== undefined ? (message) => a(message) && b(message) : (a ?? b);
}

/** The value without its descriptor. */
function undescribed({ type, value }: Typed): Typed {
  return { type, value };
}

function argumentOf(kind: string, value: Typed): readonly [string, FieldValue] | undefined {
  const argument = kind === OFFSET ? offsetOf(value) : kind === FILTER ? streamFilterOf(value) : matchOf(kind, value);
  if (argument === undefined) return undefined;
  const names: Readonly<Record<string, string>> = {
    [OFFSET]: "x-stream-offset",
    [FILTER]: "x-stream-filter",
    [MATCH_UNFILTERED]: "x-stream-match-unfiltered",
  };
  return [names[kind] as string, argument];
}

function offsetOf(value: Typed): FieldValue | undefined {
  if (value.value instanceof Date) {
    const seconds = Math.floor(value.value.getTime() / 1000);
    return Number.isNaN(seconds) || seconds < 0 ? undefined : { type: "timestamp", value: BigInt(seconds) };
  }
  const text = textOf(value);
  if (text !== undefined) return { type: "longstr", value: text };
  const offset = integerOf(value);
  return offset === undefined || offset < 0n ? undefined : { type: "long", value: BigInt.asIntN(64, offset) };
}

function streamFilterOf(value: Typed): FieldValue | undefined {
  const text = textOf(value);
  if (text !== undefined) return { type: "longstr", value: text };
  const name = typeName(value);
  if (name !== "list" && name !== "array") return undefined;
  const texts = (value.value as readonly Typed[]).flatMap((item) => textOf(item) ?? []);
  return { type: "array", value: texts.map((each) => ({ type: "longstr", value: each })) };
}

function matchOf(kind: string, value: Typed): FieldValue | undefined {
  if (kind !== MATCH_UNFILTERED || typeName(value) !== "boolean") return undefined;
  return { type: "bool", value: Boolean(value.value) };
}
