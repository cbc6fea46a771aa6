import { compilePattern, type NamePattern } from "../pattern/compile-pattern.ts";

/** What a permission is for. */
export type Access = "configure" | "write" | "read";

/** How many names a pattern remembers its verdict on; with names of common length that is about 30 KB. */
const VERDICTS_MAX = 256;

/** What RabbitMQ takes a permission for that is the empty text; no name but the empty one has it. */
const NOTHING = "^$";

/** One regular expression of a permission, with a memory of the names it has been asked about. */
export class AccessPattern {
  readonly #pattern: NamePattern;
  readonly #verdicts = new Map<string, boolean>();

  /** @throws BrokerError PRECONDITION_FAILED for a pattern that is no regular expression */
  constructor(pattern: string) {
    this.#pattern = compilePattern(pattern === "" ? NOTHING : pattern);
  }

  /** Whether the pattern is found anywhere in `name`. */
  allows(name: string): boolean {
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = this.#pattern.test(name);
    if (this.#verdicts.size === VERDICTS_MAX) this.#verdicts.clear();
    this.#verdicts.set(name, verdict);
    return verdict;
  }
}
