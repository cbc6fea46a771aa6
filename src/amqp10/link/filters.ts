/** The filters of a source. RabbitMQ 4: "AMQP 1.0 Filter Expressions", "Streams"; JMS selectors from the registry of Apache. */

import type { FieldValue } from "../../wire/field-table.ts";
import { integerOf, textOf, typeName } from "../codec/type-names.ts";
import { symbolMap, type Typed } from "../codec/types.ts";

const OFFSET = "rabbitmq:stream-offset-spec";
const FILTER = "rabbitmq:stream-filter";
const MATCH_UNFILTERED = "rabbitmq:stream-match-unfiltered";
const SELECTOR = "apache.org:selector-filter:string";
const SELECTOR_CODE = 0x0000468c00000004n;

/** The filters asked for, as far as they can be. */
export interface Filters {
  /** Those in effect, for the answer; undefined: none. */
  readonly effective: Typed | undefined;
  /** What they are as arguments of a consumer. */
  readonly arguments: readonly (readonly [string, FieldValue])[];
  /** A selector in the language of JMS. */
  readonly selector: string | undefined;
}

/** @param selects whether a selector can be in effect; it is ignored otherwise, as filters are that nobody knows */
export function readFilters(requested: ReadonlyMap<string, Typed>, selects: boolean): Filters {
  const effective: [string, Typed][] = [];
  const consumerArguments: (readonly [string, FieldValue])[] = [];
  let selector: string | undefined;
  for (const [name, filter] of requested) {
    const kind = kindOf(filter) ?? name;
    const value = undescribed(filter);
    const argument = argumentOf(kind, value);
    if (argument !== undefined) {
      consumerArguments.push(argument);
    } else if (kind === SELECTOR && selects && textOf(value) !== undefined) {
      selector = textOf(value);
    } else {
      continue;
    }
    effective.push([name, filter]);
  }
  return {
    effective: effective.length === 0 ? undefined : symbolMap(effective),
    arguments: consumerArguments,
    selector,
  };
}

/** What a filter's descriptor says it is. */
function kindOf({ descriptor }: Typed): string | undefined {
  if (descriptor === undefined) return undefined;
  return integerOf(descriptor) === SELECTOR_CODE ? SELECTOR : textOf(descriptor);
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
