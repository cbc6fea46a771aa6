import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { list, string, strings, symbol, symbolMap, type Typed, timestamp, uint, ulong } from "../codec/types.ts";

/** The largest distance of a Date from the epoch. */
const MILLISECONDS_MAX = 8_640_000_000_000_000;

/** The annotation x-opt-deaths for an x-death header: what RabbitMQ 4 tells receivers of AMQP 1.0. */
export function deathsAnnotation(xDeath: FieldValue | undefined): Typed[] {
  if (xDeath?.type !== "array") return [];
  const deaths = xDeath.value.flatMap((entry) => (entry.type === "table" ? [deathMap(entry.value)] : []));
  return deaths.length === 0 ? [] : [symbol("x-opt-deaths"), list(deaths)];
}

/** 0-9-1 knows the time of the first death only. */
function deathMap(entry: FieldTable): Typed {
  const time = timestamp(Math.min(Number(numberOf(entry.get("time"))) * 1000, MILLISECONDS_MAX));
  const keys = entry.get("routing-keys");
  const expiration = entry.get("original-expiration");
  const fields: [string, Typed][] = [
    ["queue", string(textOf(entry.get("queue")))],
    ["reason", symbol(textOf(entry.get("reason")))],
    ["count", ulong(Math.min(Number(numberOf(entry.get("count"))), Number.MAX_SAFE_INTEGER))],
    ["first-time", time],
    ["last-time", time],
    ["exchange", string(textOf(entry.get("exchange")))],
    ["routing-keys", strings(keys?.type === "array" ? keys.value.map(textOf) : [])],
  ];
  if (expiration?.type === "longstr") fields.push(["ttl", uint(Number(expiration.value) >>> 0)]);
  return symbolMap(fields);
}

function textOf(field: FieldValue | undefined): string {
  return field?.type === "longstr" ? field.value : "";
}

/** A header of this name may be the work of a client: it can say anything. */
function numberOf(field: FieldValue | undefined): bigint {
  return (field?.type === "long" || field?.type === "timestamp") && field.value > 0n ? field.value : 0n;
}
