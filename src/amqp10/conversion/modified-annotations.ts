/**
 * The annotations of a `modified` outcome. They become headers, which queues that count returns lay over those of the
 * message: RabbitMQ, "AMQP 1.0 Modified Outcome". A header cannot express every type; of a value that would come back
 * as something else a second header, whose name begins with {@link EXACT_PREFIX}, keeps the octets.
 */

import { ADDED_HEADERS_BYTES_MAX, DELIVERY_TIME } from "../../core/queue/returns.ts";
import { encodeTableBody, type FieldTable, type FieldValue, fieldValuesEqual, long } from "../../wire/field-table.ts";
import { recordOf, type TypeName, typeName } from "../codec/type-names.ts";
import { echo, encodeValue, readValue, symbol, type Typed } from "../codec/types.ts";
import { checkValue } from "../codec/value-check.ts";
import { Amqp10Error } from "../error-condition.ts";
import { EXACT_PREFIX, headersFromAnnotations, isOwnAnnotation } from "./annotations.ts";
import { fieldFrom, isFieldName } from "./field-values.ts";

/** Types whose values are the same when they come back from a header. */
const EXACT_TYPES: ReadonlySet<TypeName> = new Set([
  "null",
  "boolean",
  "ubyte",
  "ushort",
  "uint",
  "byte",
  "short",
  "int",
  "long",
  "float",
  "double",
  "binary",
  "string",
]);

/**
 * The headers that the annotations come to; undefined when there are none. Only keys that start with `x-` count, as in
 * RabbitMQ, and not those in which the broker itself says something of the message, or by which it is routed.
 *
 * @throws Amqp10Error amqp:resource-limit-exceeded when they take too much
 */
export function headersFromModified(annotations: Typed | undefined): FieldTable | undefined {
  const record = recordOf(annotations);
  if (record === undefined) return undefined;
  const accepted = new Map([...record].filter(([key]) => key !== "x-cc" && !isOwnAnnotation(key)));
  const headers = new Map([...headersFromAnnotations(accepted), ...exactHeaders(accepted)]);
  // A timestamp of 0-9-1 would lose the milliseconds.
  const deliveryTime = accepted.get(DELIVERY_TIME)?.value;
  if (deliveryTime instanceof Date && !Number.isNaN(deliveryTime.getTime())) {
    headers.set(DELIVERY_TIME, long(deliveryTime.getTime()));
    headers.delete(EXACT_PREFIX + DELIVERY_TIME);
  }
  if (headers.size === 0) return undefined;
  if (encodeTableBody(headers).length > ADDED_HEADERS_BYTES_MAX) {
    throw new Amqp10Error(
      "amqp:resource-limit-exceeded",
      `annotations of a modified outcome take more than ${ADDED_HEADERS_BYTES_MAX} octets`,
    );
  }
  return headers;
}

function exactHeaders(annotations: ReadonlyMap<string, Typed>): [string, FieldValue][] {
  const headers: [string, FieldValue][] = [];
  for (const [key, value] of annotations) {
    const name = EXACT_PREFIX + key;
    if (!key.startsWith("x-") || EXACT_TYPES.has(typeName(value)) || !isFieldName(name)) continue;
    headers.push([name, { type: "binary", value: encodeValue(echo(value)) }]);
  }
  return headers;
}

/** An annotation whose octets are known. */
export interface ExactAnnotation {
  readonly key: string;
  /** Key and value, encoded. */
  readonly octets: Buffer;
}

/** The annotations whose octets headers have kept, as far as they still say what the header of their name says. */
export function exactAnnotations(headers: FieldTable): ExactAnnotation[] {
  const annotations: ExactAnnotation[] = [];
  for (const [name, field] of headers) {
    if (!name.startsWith(EXACT_PREFIX) || field.type !== "binary") continue;
    const key = name.slice(EXACT_PREFIX.length);
    const value = readExact(field.value);
    if (value === undefined || isOwnAnnotation(key) || isChanged(headers, key, value)) continue;
    annotations.push({ key, octets: Buffer.concat([encodeValue(symbol(key)), field.value]) });
  }
  return annotations;
}

/** Whether the header of an annotation's name says something else than the annotation. */
export function isChanged(headers: FieldTable, key: string, value: Typed): boolean {
  const header = headers.get(key);
  if (header === undefined) return false;
  const field = fieldFrom(value);
  return field === undefined || !fieldValuesEqual(field, header);
}

/** Undefined for octets that are not just one value: a 0-9-1 client may have made them up. */
function readExact(octets: Buffer): Typed | undefined {
  try {
    return checkValue(octets, 0, octets.length) === octets.length ? readValue(octets, 0) : undefined;
  } catch (error) {
    if (error instanceof Amqp10Error) return undefined;
    throw error;
  }
}
