import { type DefinitionSink, StoredFields } from "./definitions.ts";
import { BrokerError } from "./errors.ts";
import { jsonTerm, pairsTerm } from "./json-term.ts";

/** What limits are set for. */
export type LimitKind = "vhost-limits" | "user-limits";

/** The limits that can be set, under RabbitMQ's names for them. */
const LIMIT_NAMES: Readonly<Record<LimitKind, ReadonlySet<string>>> = {
  "vhost-limits": new Set(["max-connections", "max-queues"]),
  "user-limits": new Set(["max-connections", "max-channels"]),
};

/** The limits of one virtual host or user; a negative number stands for none. */
export type LimitValues = ReadonlyMap<string, number>;

const NO_LIMITS: LimitValues = new Map();

/**
 * The limits of every virtual host, or of every user. RabbitMQ: "Virtual Hosts", "Per-User Resource Limits".
 *
 * Stored as definitions, id the name of the owner, value `{ owner, limits: { <name>: <number> } }`.
 */
export class LimitTable {
  readonly #kind: LimitKind;
  readonly #definitions: DefinitionSink;
  readonly #limits = new Map<string, LimitValues>();

  constructor(kind: LimitKind, definitions: DefinitionSink) {
    this.#kind = kind;
    this.#definitions = definitions;
  }

  /** What has been set for `owner`. */
  of(owner: string): LimitValues {
    return this.#limits.get(owner) ?? NO_LIMITS;
  }

  /** One limit of `owner`; undefined: there is none. */
  limit(owner: string, name: string): number | undefined {
    const value = this.#limits.get(owner)?.get(name);
    return value === undefined || value < 0 ? undefined : value;
  }

  /** Every owner that limits have been set for. */
  owners(): Iterable<string> {
    return this.#limits.keys();
  }

  /**
   * Sets some limits of `owner` and leaves the others as they are. That the owner exists is for the caller to check.
   *
   * @throws BrokerError PRECONDITION_FAILED, in RabbitMQ's words, for an unknown name or what is no integer
   */
  update(owner: string, limits: Readonly<Record<string, unknown>>): void {
    this.#put(owner, new Map([...this.of(owner), ...this.#valid(limits)]));
  }

  /** Sets the limits of `owner`, those that are not given to none. @throws BrokerError as {@link update} */
  replace(owner: string, limits: Readonly<Record<string, unknown>>): void {
    this.#put(owner, this.#valid(limits));
  }

  /** Removes one limit; false when it was not set. */
  remove(owner: string, name: string): boolean {
    const limits = new Map(this.of(owner));
    if (!limits.delete(name)) return false;
    this.#put(owner, limits);
    return true;
  }

  /** Removes every limit of `owner`. */
  clear(owner: string): void {
    this.#put(owner, NO_LIMITS);
  }

  /** What {@link update} would refuse. @throws BrokerError */
  check(limits: Readonly<Record<string, unknown>>): void {
    this.#valid(limits);
  }

  /** Takes over stored limits at recovery. @throws InvalidDefinitionError */
  restore(id: string, value: unknown): void {
    const fields = new StoredFields(this.#kind, id, value);
    const { limits } = value as { limits?: unknown };
    if (typeof limits !== "object" || limits === null) fields.fail("limits is not an object");
    try {
      this.#limits.set(fields.string("owner"), this.#valid(limits as Record<string, unknown>));
    } catch (error) {
      if (error instanceof BrokerError) fields.fail(error.message);
      throw error;
    }
  }

  #put(owner: string, limits: LimitValues): void {
    if (sameLimits(this.of(owner), limits)) return;
    if (limits.size === 0) {
      this.#limits.delete(owner);
      this.#definitions.delete(this.#kind, owner);
    } else {
      this.#limits.set(owner, limits);
      this.#definitions.put(this.#kind, owner, { owner, limits: Object.fromEntries(limits) });
    }
  }

  #valid(limits: Readonly<Record<string, unknown>>): LimitValues {
    const names = LIMIT_NAMES[this.#kind];
    const unknown = Object.entries(limits).filter(([name]) => !names.has(name));
    const problems = [];
    if (unknown.length > 0) problems.push(`Unrecognised terms ${pairsTerm(unknown)} in ${this.#ownName}`);
    for (const [name, value] of Object.entries(limits)) {
      if (names.has(name) && !Number.isInteger(value)) {
        problems.push(`${name} should be a number, actually was ${jsonTerm(value)}`);
      }
    }
    if (problems.length > 0) throw new BrokerError("PRECONDITION_FAILED", this.#refusal(problems));
    return new Map(Object.entries(limits as Record<string, number>));
  }

  /** What RabbitMQ calls the limits of one owner. */
  get #ownName(): string {
    return this.#kind === "vhost-limits" ? "limits" : "user-limits";
  }

  /** Limits of a virtual host are a runtime parameter in RabbitMQ and refused like one. */
  #refusal(problems: readonly string[]): string {
    const text = problems.join("\n");
    return this.#kind === "vhost-limits" ? `Validation failed\n\n${text}\n` : text;
  }
}

function sameLimits(a: LimitValues, b: LimitValues): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}
