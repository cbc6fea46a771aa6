import type { DefinitionKind, Store } from "./ports.ts";

/** Where the durable definitions (virtual hosts, users, permissions, exchanges, queues, bindings) are written to. */
export interface DefinitionSink {
  /** Adds or replaces a definition. `value` must be plain data: what JSON can carry. */
  put(kind: DefinitionKind, id: string, value: unknown): void;
  /** Removes a definition; does nothing when there is none. */
  delete(kind: DefinitionKind, id: string): void;
}

/** Writes definitions to the store's next commit. */
export class Definitions implements DefinitionSink {
  readonly #store: Store;
  readonly #onChange: () => void;

  /** @param onChange called after each change, so that the owner of the store sees to a commit */
  constructor(store: Store, onChange: () => void) {
    this.#store = store;
    this.#onChange = onChange;
  }

  put(kind: DefinitionKind, id: string, value: unknown): void {
    this.#store.putDefinition(kind, id, value);
    this.#onChange();
  }

  delete(kind: DefinitionKind, id: string): void {
    this.#store.deleteDefinition(kind, id);
    this.#onChange();
  }
}

/** One definition id made of several names. Distinct names give distinct ids, whatever characters they hold. */
export function compositeId(...names: readonly string[]): string {
  return names.map((name) => `${name.length}:${name}`).join("");
}

/** Thrown at recovery when a stored definition is not what this version of the broker can have written. */
export class InvalidDefinitionError extends Error {
  override readonly name = "InvalidDefinitionError";

  constructor(kind: DefinitionKind, id: string, problem: string) {
    super(`the stored ${kind} '${id}' is not valid: ${problem}`);
  }
}

/** Reads a stored definition field by field; every method throws {@link InvalidDefinitionError} for another shape. */
export class StoredFields {
  readonly #kind: DefinitionKind;
  readonly #id: string;
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(kind: DefinitionKind, id: string, value: unknown) {
    this.#kind = kind;
    this.#id = id;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new InvalidDefinitionError(kind, id, "it is not an object");
    }
    this.#fields = new Map(Object.entries(value));
  }

  string(field: string): string {
    const value = this.#fields.get(field);
    return typeof value === "string" ? value : this.fail(`${field} is not a string`);
  }

  strings(field: string): readonly string[] {
    const value = this.#fields.get(field);
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    return this.fail(`${field} is not a list of strings`);
  }

  boolean(field: string): boolean {
    const value = this.#fields.get(field);
    return typeof value === "boolean" ? value : this.fail(`${field} is not a boolean`);
  }

  /** Refuses the definition as a whole. */
  fail(problem: string): never {
    throw new InvalidDefinitionError(this.#kind, this.#id, problem);
  }
}
