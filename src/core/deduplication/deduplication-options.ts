import { type FieldTable, type FieldValue, integerValue } from "../../wire/field-table.ts";
import { HeaderKey, type KeySource, MESSAGE_ID_KEY } from "../message-key.ts";

/** Arguments of exchange.declare and queue.declare. */
export const MESSAGE_DEDUPLICATION = "x-message-deduplication";
export const CACHE_SIZE = "x-cache-size";
export const CACHE_TTL = "x-cache-ttl";
export const CACHE_PERSISTENCE = "x-cache-persistence";
export const DEDUPLICATION_PROPERTY = "x-deduplication-property";
/** The argument that names the header with the key, and the header where no argument names one. */
export const DEDUPLICATION_HEADER = "x-deduplication-header";

/** The one property that can be named. */
export const MESSAGE_ID_PROPERTY = "message-id";

export const CACHE_PERSISTENCES: readonly string[] = ["disk", "memory"];

/** Most keys of a window; each takes about 150 octets of memory. */
export const CACHE_SIZE_MAX = 10_000_000;

/** Milliseconds in ten years, as RabbitMQ limits other times. */
export const CACHE_TTL_MILLISECONDS_MAX = 315_360_000_000;

/** LavinMQ's. */
const CACHE_SIZE_DEFAULT = 128;

/** How an exchange or queue recognises duplicates. */
export interface DeduplicationOptions {
  readonly keySource: KeySource;
  /** Most keys that are remembered. */
  readonly size: number;
  /** How long each is remembered, unless its message says otherwise; undefined: no limit. */
  readonly ttlMilliseconds: number | undefined;
  /** False when a restart may forget them. */
  readonly persistent: boolean;
}

/** What arguments that have been checked come to. */
export function deduplicationOptions(table: FieldTable): DeduplicationOptions {
  const header = table.get(DEDUPLICATION_HEADER);
  return {
    keySource: table.has(DEDUPLICATION_PROPERTY)
      ? MESSAGE_ID_KEY
      : new HeaderKey(header?.type === "longstr" ? header.value : DEDUPLICATION_HEADER),
    size: integerOf(table.get(CACHE_SIZE)) ?? CACHE_SIZE_DEFAULT,
    ttlMilliseconds: integerOf(table.get(CACHE_TTL)),
    persistent: table.get(CACHE_PERSISTENCE)?.value !== "memory",
  };
}

/** The integer in a field, which the plugin takes as text as well; undefined when there is none. */
export function integerOf(field: FieldValue | undefined): number | undefined {
  if (field?.type === "longstr") return /^-?[0-9]+$/.test(field.value) ? Number(field.value) : undefined;
  const value = integerValue(field);
  return value === undefined ? undefined : Number(value);
}
