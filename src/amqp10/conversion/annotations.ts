/** Message annotations and application properties of AMQP 1.0 as headers of 0-9-1. RabbitMQ: "Message Conversions". */

import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { entriesOf, textOf, typeName } from "../codec/type-names.ts";
import { readValue, string, stringMap, symbol, type Typed } from "../codec/types.ts";
import { fieldFrom, isFieldName, valueFrom } from "./field-values.ts";
import { ORIGINAL_SECTIONS_HEADER } from "./original-sections.ts";
import type { Section } from "./sections.ts";

const BASIC_PREFIX = "x-basic-";

/** Headers named so keep the octets of an annotation: see modified-annotations.ts. */
export const EXACT_PREFIX = "x-amqp-1.0-annotation-";

/** What the broker says of a message that it delivers, whatever its sender has said. */
const OWN_ANNOTATION =
  /^x-(exchange|routing-key|opt-deaths|delivery-count|acquired-count|stream-offset|(first|last)-death-(queue|reason|exchange))$/;

/** True for what the broker itself says in every delivery: nobody else's word for it counts. */
export function isOwnAnnotation(key: string): boolean {
  return OWN_ANNOTATION.test(key);
}

/** What the broker says itself about a message that it delivers: a sender's word for it does not count. */
const OWN_ANNOTATIONS: ReadonlySet<string> = new Set([
  "x-exchange",
  "x-routing-key",
  "x-death",
  "x-opt-deaths",
  ORIGINAL_SECTIONS_HEADER,
]);

/** Headers that stand for something else than an annotation of their name. */
const NO_ANNOTATIONS: ReadonlySet<string> = new Set([
  "x-message-id",
  "x-correlation-id",
  "x-death",
  ORIGINAL_SECTIONS_HEADER,
]);

/** The headers that come of message annotations: those whose key starts with `x-`. `x-cc` becomes CC. */
export function headersFromAnnotations(annotations: ReadonlyMap<string, Typed>): [string, FieldValue][] {
  const headers: [string, FieldValue][] = [];
  for (const [key, value] of annotations) {
    if (!key.startsWith("x-") || OWN_ANNOTATIONS.has(key) || !isFieldName(key)) continue;
    if (key.startsWith(BASIC_PREFIX) || key.startsWith(EXACT_PREFIX)) continue;
    const field = fieldFrom(value);
    if (field !== undefined) headers.push([key === "x-cc" ? "CC" : key, field]);
  }
  return headers;
}

/** The headers that come of application properties. */
export function headersFromApplicationProperties(buffer: Buffer, section: Section): [string, FieldValue][] {
  const headers: [string, FieldValue][] = [];
  for (const [key, value] of entriesOf(readValue(buffer, section.valueStart)) ?? []) {
    const name = textOf(key);
    if (name === undefined || !isFieldName(name) || name === ORIGINAL_SECTIONS_HEADER) continue;
    const field = fieldFrom(value);
    if (field !== undefined) headers.push([name, field]);
  }
  return headers;
}

/** Key and value, one after the other, of every annotation that headers stand for. */
export function annotationsFromHeaders(headers: FieldTable, isKnown: (key: string) => boolean): Typed[] {
  const items: Typed[] = [];
  for (const [key, field] of headers) {
    const name = key === "CC" && field.type === "array" ? "x-cc" : key;
    if (!name.startsWith("x-") || NO_ANNOTATIONS.has(name) || isKnown(name)) continue;
    if (name.startsWith(EXACT_PREFIX)) continue;
    items.push(symbol(name), valueFrom(field));
  }
  return items;
}

/** The application properties that headers stand for, which may be neither lists nor maps; undefined: there are none. */
export function applicationPropertiesFromHeaders(headers: FieldTable): Typed | undefined {
  const entries: [string, Typed][] = [];
  for (const [key, field] of headers) {
    if (key.startsWith("x-") || field.type === "array" || field.type === "table") continue;
    entries.push([key, valueFrom(field)]);
  }
  return entries.length === 0 ? undefined : stringMap(entries);
}

/** The text of an annotation; undefined when it is none. */
export function textAnnotation(annotations: ReadonlyMap<string, Typed>, key: string): string | undefined {
  const value = annotations.get(key);
  return value !== undefined && typeName(value) === "string" ? String(value.value) : undefined;
}

/** x-exchange and x-routing-key, which every delivery carries. */
export function addressAnnotations(exchangeName: string, routingKey: string): Typed[] {
  return [symbol("x-exchange"), string(exchangeName), symbol("x-routing-key"), string(routingKey)];
}
