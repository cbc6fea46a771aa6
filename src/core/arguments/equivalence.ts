import { type FieldTable, type FieldValue, fieldValuesEqual } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import { ageSeconds } from "./age.ts";
import { MAX_AGE, QUEUE_TYPE } from "./argument-names.ts";
import { fieldValueText } from "./field-value-text.ts";

const CLASSIC: FieldValue = { type: "longstr", value: "classic" };

/**
 * A property of a declare must be what the existing queue or exchange has.
 * @param resource the queue or exchange as error texts name it
 * @param key the property under RabbitMQ's name, e.g. auto_delete
 * @throws BrokerError 406 when it differs
 */
export function checkEquivalentProperty<Value extends string | boolean>(
  resource: string,
  key: string,
  current: Value,
  received: Value,
): void {
  if (received !== current) throw inequivalent(resource, key, `'${received}'`, `'${current}'`);
}

/**
 * The arguments of a declare must equal those of the existing queue or exchange, as far as they are among `keys`;
 * others are not compared. Values are compared as {@link fieldValuesEqual} has it, ages by how long they are, and no
 * x-queue-type is the same as "classic".
 *
 * @throws BrokerError 406 for the first of `keys` that differs
 */
export function checkEquivalentArguments(
  resource: string,
  keys: readonly string[],
  current: FieldTable,
  received: FieldTable,
): void {
  for (const key of keys)
    checkEquivalentArgument(resource, key, comparedValue(key, current), comparedValue(key, received));
}

function checkEquivalentArgument(
  resource: string,
  key: string,
  current: FieldValue | undefined,
  received: FieldValue | undefined,
): void {
  if (current !== undefined && received !== undefined) {
    if (fieldValuesEqual(current, received)) return;
    throw inequivalent(resource, key, quotedText(received), quotedText(current));
  }
  if (current === received) return;
  throw inequivalent(resource, key, typedText(received), typedText(current));
}

/** What is compared, and what texts say: RabbitMQ turns an age into milliseconds, and fills in the type of a queue. */
function comparedValue(key: string, table: FieldTable): FieldValue | undefined {
  const field = table.get(key);
  if (key === QUEUE_TYPE) return field ?? CLASSIC;
  const seconds = key === MAX_AGE && field?.type === "longstr" ? ageSeconds(field.value) : undefined;
  return seconds === undefined ? field : { type: "longstr", value: String(seconds * 1000) };
}

function quotedText(field: FieldValue): string {
  return field.type === "void" ? "none" : `'${fieldValueText(field)}'`;
}

function typedText(field: FieldValue | undefined): string {
  return field === undefined ? "none" : `the value '${fieldValueText(field)}' of type '${field.type}'`;
}

function inequivalent(resource: string, key: string, received: string, current: string): BrokerError {
  const explanation = `inequivalent arg '${key}' for ${resource}: received ${received} but current is ${current}`;
  return new BrokerError("PRECONDITION_FAILED", explanation);
}
