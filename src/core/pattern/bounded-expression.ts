import { Run } from "./bounded-run.ts";
import { ExpressionParser } from "./expression-parser.ts";
import type { Matcher } from "./matchers.ts";

const SURROGATE = /[\ud800-\udfff]/;

/**
 * A regular expression that gives up rather than run for ever: a text takes a bounded number of steps, and what would
 * take more is not found in it. RabbitMQ does the same with the limits that PCRE has (`rabbit_re`).
 */
export class BoundedExpression {
  readonly #matcher: Matcher;
  readonly #groupCount: number;

  /** @param source what `new RegExp` takes with `flags` */
  constructor(source: string, flags: "u" | "iu") {
    const parser = new ExpressionParser(source, flags);
    this.#matcher = parser.parse();
    this.#groupCount = parser.groupCount;
  }

  /** Whether the expression is found anywhere in `text`. */
  test(text: string): boolean {
    const run = new Run(SURROGATE.test(text) ? [...text] : text.split(""), this.#groupCount);
    for (let start = 0; start <= run.characters.length; start++) {
      const found = this.#matcher(run, start, () => true);
      if (run.exhausted) return false;
      if (found) return true;
    }
    return false;
  }
}
