import { type FieldTable, type FieldValue, integerValue } from "../../../wire/field-table.ts";
import { ageSeconds } from "../../arguments/age.ts";
import { erlangTerm } from "../../arguments/field-value-text.ts";
import { BrokerError } from "../../errors.ts";

/** Where a consumer of a stream wants to begin. */
export type OffsetSpecification =
  | { readonly kind: "first" | "last" | "next" }
  | { readonly kind: "offset"; readonly offset: number }
  /** The newest `count` messages. */
  | { readonly kind: "newest"; readonly count: number }
  /** The first message stored at or after this time, in milliseconds since the Unix epoch. */
  | { readonly kind: "since"; readonly at: number };

const ARGUMENT = "x-stream-offset";

/**
 * The x-stream-offset of a consumer; undefined when absent. RabbitMQ: "Streams", consuming. A negative number, which
 * counts back from the end, is LavinMQ's.
 *
 * @param resource the queue as error texts name it
 * @param now milliseconds since the Unix epoch, from which an interval is counted back
 * @throws BrokerError PRECONDITION_FAILED for a value that is none of its forms
 */
export function offsetArgument(
  consumerArguments: FieldTable,
  resource: string,
  now: number,
): OffsetSpecification | undefined {
  const field = consumerArguments.get(ARGUMENT);
  if (field === undefined) return undefined;
  const specification = specificationOf(field, now);
  if (specification !== undefined) return specification;
  const reason = `{invalid_stream_offset_arg,{${field.type},${erlangTerm(field)}}}`;
  throw new BrokerError("PRECONDITION_FAILED", `invalid arg '${ARGUMENT}' for ${resource}: ${reason}`);
}

function specificationOf(field: FieldValue, now: number): OffsetSpecification | undefined {
  switch (field.type) {
    case "longstr":
      return fromText(field.value, now);
    case "timestamp":
      return { kind: "since", at: Number(field.value) * 1000 };
    default: {
      const value = integerValue(field);
      return value === undefined ? undefined : fromInteger(Number(value));
    }
  }
}

function fromText(text: string, now: number): OffsetSpecification | undefined {
  if (text === "first" || text === "last" || text === "next") return { kind: text };
  const seconds = ageSeconds(text);
  return seconds === undefined ? undefined : { kind: "since", at: now - seconds * 1000 };
}

function fromInteger(value: number): OffsetSpecification {
  return value < 0 ? { kind: "newest", count: -value } : { kind: "offset", offset: value };
}
