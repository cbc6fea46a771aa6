import { Automaton } from "./automaton.ts";
import { Run } from "./bounded-run.ts";
import { ExpressionParser } from "./expression-parser.ts";
import { BACKTRACKING, type Matcher } from "./matchers.ts";

const SURROGATE = /[\ud800-\udfff]/;

/** A regular expression that does not run for ever, whatever the text. */
export class BoundedExpression {
  readonly #search: { test(characters: readonly string[]): boolean };

  /** @param source what `new RegExp` takes with `flags` */
  constructor(source: string, flags: "u" | "iu") {
    const automaton = Automaton.of((syntax) => new ExpressionParser(source, flags, syntax).parse());
    this.#search = automaton ?? new BacktrackingSearch(source, flags);
  }

  /** Whether the expression is found anywhere in `text`. */
  test(text: string): boolean {
    return this.#search.test(SURROGATE.test(text) ? [...text] : text.split(""));
  }
}

/**
 * For what no automaton can be made of: gives up after a number of steps, and what would take more is not found. RabbitMQ
 * does the same with the limits that PCRE has (`rabbit_re`).
 */
export class BacktrackingSearch {
  readonly #matcher: Matcher;
  readonly #groupCount: number;

  constructor(source: string, flags: "u" | "iu") {
    const parser = new ExpressionParser(source, flags, BACKTRACKING);
    this.#matcher = parser.parse();
    this.#groupCount = parser.groupCount;
  }

  test(characters: readonly string[]): boolean {
    const run = new Run(characters, this.#groupCount);
    for (let start = 0; start <= characters.length; start++) {
      const found = this.#matcher(run, start, () => true);
      if (run.exhausted) return false;
      if (found) return true;
    }
    return false;
  }
}
