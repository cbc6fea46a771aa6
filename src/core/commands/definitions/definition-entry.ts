import { BrokerError } from "../../errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** One entry of a category of a definitions document, read field by field; null counts as absent. */
export class DefinitionEntry {
  /** The entry as errors name it, e.g. `queues[3] 'orders'`. */
  readonly label: string;
  readonly #fields: JsonObject;

  /** @throws BrokerError PRECONDITION_FAILED when `value` is no object */
  constructor(category: string, index: number, value: unknown) {
    const place = `${category}[${index}]`;
    if (!isObject(value)) throw new BrokerError("PRECONDITION_FAILED", `${place} is not an object`);
    this.#fields = value;
    const name = value["name"];
    this.label = typeof name === "string" ? `${place} '${name}'` : place;
  }

  has(field: string): boolean {
    return this.#fields[field] !== undefined && this.#fields[field] !== null;
  }

  /** The field as it is. */
  get(field: string): unknown {
    return this.#fields[field] ?? undefined;
  }

  string(field: string): string {
    const value = this.#fields[field];
    return typeof value === "string" ? value : this.fail(`${field} must be a string`);
  }

  boolean(field: string, otherwise: boolean): boolean {
    if (!this.has(field)) return otherwise;
    const value = this.#fields[field];
    return typeof value === "boolean" ? value : this.fail(`${field} must be true or false`);
  }

  /** An object; also an empty list, which is how Erlang's JSON may print an empty one. */
  object(field: string): JsonObject {
    const value = this.#fields[field] ?? {};
    if (isObject(value)) return value;
    return Array.isArray(value) && value.length === 0 ? {} : this.fail(`${field} must be an object`);
  }

  /** Words in a list, or in a string and separated by commas. */
  words(field: string): readonly string[] {
    const value = this.#fields[field] ?? [];
    const words = typeof value === "string" ? value.split(",") : value;
    if (!Array.isArray(words) || !words.every((word) => typeof word === "string")) {
      return this.fail(`${field} must be a list of strings`);
    }
    return words.map((word) => word.trim()).filter((word) => word !== "");
  }

  /** Refuses the entry, and with it the document. */
  fail(problem: string): never {
    throw new BrokerError("PRECONDITION_FAILED", `${this.label}: ${problem}`);
  }

  /** Runs `action`; what it refuses is refused in the name of this entry. */
  attempt<Result>(action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      if (error instanceof BrokerError) this.fail(error.message.trimEnd());
      throw error;
    }
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
