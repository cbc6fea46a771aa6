/**
 * What an argument's value may be. A rule returns the reason why a value is refused, as the Erlang term that RabbitMQ
 * prints, or undefined when it is fine. Source: `rabbit_amqqueue:declare_args`.
 */

import { type FieldTable, type FieldValue, integerValue } from "../../wire/field-table.ts";
import { octetsFromString } from "../../wire/octet-string.ts";
import { CACHE_SIZE_MAX, DEDUPLICATION_PROPERTY } from "../deduplication/deduplication-options.ts";
import { ageSeconds } from "./age.ts";
import { DEAD_LETTER_EXCHANGE, GROUP_ID_PROPERTY, GROUP_PROPERTY, MAX_PRIORITY } from "./argument-names.ts";

export type ArgumentRule = (field: FieldValue, table: FieldTable) => string | undefined;

/** Ten years. */
const EXPIRY_MILLISECONDS_MAX = 315_360_000_000;

const PRIORITY_MAX = 255;

const QUEUE_VERSION = 2;

/** No header has a longer name. */
const HEADER_NAME_BYTES_MAX = 255;

export const anyValue: ArgumentRule = () => undefined;

/** 0 or more. */
export const count: ArgumentRule = (field) =>
  ifInteger(field, (value) => (value < 0 ? `{value_negative,${value}}` : undefined));

/** 1 or more. */
export const positiveCount: ArgumentRule = (field) =>
  ifInteger(field, (value) => {
    if (value < 0) return `{value_negative,${value}}`;
    return Number(value) === 0 ? "{value_zero,0}" : undefined;
  });

/** 1 to the most keys that are remembered. */
export const cacheSize: ArgumentRule = (field, table) =>
  positiveCount(field, table) ??
  ifInteger(field, (value) => (value > CACHE_SIZE_MAX ? `{max_value_exceeded,${value}}` : undefined));

/** What duplicates are recognised by may be named once. */
export const deduplicationHeader: ArgumentRule = (field, table) =>
  text(field, table) ?? (table.has(DEDUPLICATION_PROPERTY) ? "header_and_property_are_mutually_exclusive" : undefined);

/** The name of a header to group messages by. What groups are is said once, and they leave no room for priorities. */
export const groupHeader: ArgumentRule = (field, table) => {
  const reason = text(field, table);
  if (reason !== undefined) return reason;
  const length = field.type === "longstr" ? octetsFromString(field.value).length : 0;
  if (length === 0 || length > HEADER_NAME_BYTES_MAX) return `{invalid_header_name_length,${length}}`;
  if (table.has(GROUP_PROPERTY)) return "header_and_property_are_mutually_exclusive";
  return withoutPriorities(table);
};

/** The property to group messages by. */
export const groupProperty: ArgumentRule = (field, table) => isGroupId(field, table) ?? withoutPriorities(table);

/** The x-max-age of a stream: a number and a unit of time, e.g. 7D. */
export const maxAge: ArgumentRule = (field) => {
  if (field.type !== "longstr") return unacceptableType(field);
  return ageSeconds(field.value) === undefined ? "invalid_max_age" : undefined;
};

/** Milliseconds from 0 to ten years. */
export const timeToLive: ArgumentRule = (field) => ifInteger(field, expiryReason);

/** Milliseconds from 1 to ten years. */
export const lease: ArgumentRule = (field) =>
  ifInteger(field, (value) => (Number(value) === 0 ? "{value_zero,0}" : expiryReason(value)));

export const priority: ArgumentRule = (field, table) =>
  count(field, table) ??
  ifInteger(field, (value) => (value > PRIORITY_MAX ? `{max_value_exceeded,${value}}` : undefined));

export const queueVersion: ArgumentRule = (field, table) =>
  count(field, table) ??
  ifInteger(field, (value) => (Number(value) === QUEUE_VERSION ? undefined : `"unsupported queue version '${value}'"`));

export const flag: ArgumentRule = (field) => (field.type === "bool" ? undefined : unacceptableType(field));

export const text: ArgumentRule = (field) => (field.type === "longstr" ? undefined : unacceptableType(field));

/** A string that only means something beside {@link DEAD_LETTER_EXCHANGE}. */
export const deadLetterRoutingKey: ArgumentRule = (field, table) =>
  text(field, table) ?? (table.has(DEAD_LETTER_EXCHANGE) ? undefined : "routing_key_but_no_dlx_defined");

/** One of `words`; `reason` gets the string that is none of them. */
export function oneOf(words: readonly string[], reason: (word: string) => string): ArgumentRule {
  return (field) => {
    if (field.type !== "longstr") return unacceptableType(field);
    return words.includes(field.value) ? undefined : reason(field.value);
  };
}

const isGroupId = oneOf([GROUP_ID_PROPERTY], (word) => `"unsupported property '${word}'"`);

function withoutPriorities(table: FieldTable): string | undefined {
  return table.has(MAX_PRIORITY) ? "groups_and_priorities_are_mutually_exclusive" : undefined;
}

function ifInteger(field: FieldValue, check: (value: number | bigint) => string | undefined): string | undefined {
  const value = integerValue(field);
  return value === undefined ? `"expected integer, got ${field.type}"` : check(value);
}

function expiryReason(value: number | bigint): string | undefined {
  if (value < 0) return `{value_negative,${value}}`;
  return value > EXPIRY_MILLISECONDS_MAX ? `{value_too_large,${value}}` : undefined;
}

function unacceptableType(field: FieldValue): string {
  return `{unacceptable_type,${field.type}}`;
}
