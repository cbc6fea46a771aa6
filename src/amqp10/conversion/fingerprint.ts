import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { encodeTableBody } from "../../wire/field-table.ts";
import { encodeProperties, type Properties } from "../../wire/properties.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Set and removed by the broker itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["CC", "BCC", "timestamp_in_ms"]);

/**
 * A hash of what a message says of itself to a 0-9-1 receiver: its properties without the expiration, which dying takes
 * away, and its headers without those the broker sets. FNV-1a, 32 bits.
 */
export function fingerprint({ headers, expiration: _, ...properties }: Properties): number {
  let hash = hashOf(FNV_OFFSET, encodeProperties(properties));
  if (headers !== undefined) hash = hashOf(hash, encodeTableBody(clientHeaders(headers)));
  return hash;
}

function clientHeaders(headers: FieldTable): FieldTable {
  const kept = new Map<string, FieldValue>();
  for (const [key, value] of headers) if (!key.startsWith("x-") && !OWN_HEADERS.has(key)) kept.set(key, value);
  return kept;
}

function hashOf(seed: number, octets: Buffer): number {
  let hash = seed;
  for (let index = 0; index < octets.length; index++) {
    hash = Math.imul(hash ^ (octets[index] as number), FNV_PRIME);
  }
  return hash >>> 0;
}
