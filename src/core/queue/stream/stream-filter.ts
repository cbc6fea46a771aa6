import { equalBytes } from "../../../lib/bytes.ts";
import type { FieldTable } from "../../../wire/field-table.ts";
import { octetsFromString } from "../../../wire/octet-string.ts";
import { BrokerError } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { type ChunkFilter, hashOctets } from "./chunk-filter.ts";
import { FilterValue } from "./filter-value.ts";

/**
 * Which messages a consumer wants: those with one of its filter values and, if it says so, those without any. Every
 * message is looked at, so none comes that does not match. RabbitMQ: "Stream Filtering".
 */
export class StreamFilter {
  readonly #values: readonly Buffer[];
  readonly #hashes: readonly number[];
  readonly #matchesUnfiltered: boolean;
  readonly #found = new FilterValue();

  constructor(values: readonly string[], matchesUnfiltered: boolean) {
    this.#values = values.map(octetsFromString);
    this.#hashes = this.#values.map((value) => hashOctets(value, 0, value.length));
    this.#matchesUnfiltered = matchesUnfiltered;
  }

  /** False when no message of the chunk matches. */
  mayMatch(chunk: ChunkFilter): boolean {
    if (this.#matchesUnfiltered && chunk.hasUnfiltered) return true;
    return this.#hashes.some((hash) => chunk.mayHold(hash));
  }

  matches(message: Message): boolean {
    const found = this.#found;
    if (!found.find(message)) return this.#matchesUnfiltered;
    const bytes = found.end - found.start;
    for (const value of this.#values) {
      if (value.length === bytes && equalBytes(value, 0, bytes, message.buffer, found.start)) return true;
    }
    return false;
  }
}

/**
 * The filter in a consumer's arguments x-stream-filter and x-stream-match-unfiltered; undefined when it asks for none.
 * Elements of an array that are no strings are ignored, as in RabbitMQ, where an array without strings fails with 541.
 *
 * @param resource the stream as error texts name it
 * @throws BrokerError PRECONDITION_FAILED for an array without strings
 */
export function filterArgument(consumerArguments: FieldTable, resource: string): StreamFilter | undefined {
  const values = filterValues(consumerArguments);
  if (values === undefined) return undefined;
  if (values.length === 0) {
    throw new BrokerError("PRECONDITION_FAILED", `invalid arg 'x-stream-filter' for ${resource}: no_filter_values`);
  }
  const matchUnfiltered = consumerArguments.get("x-stream-match-unfiltered");
  return new StreamFilter(values, matchUnfiltered?.type === "bool" && matchUnfiltered.value);
}

function filterValues(consumerArguments: FieldTable): string[] | undefined {
  const field = consumerArguments.get("x-stream-filter");
  if (field?.type === "longstr") return [field.value];
  if (field?.type !== "array") return undefined;
  return field.value.flatMap((element) => (element.type === "longstr" ? [element.value] : []));
}
