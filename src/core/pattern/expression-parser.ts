import {
  alternation,
  anchor,
  backReference,
  capture,
  characterRepeat,
  inverted,
  lookahead,
  lookbehind,
  type Matcher,
  repeat,
  sequence,
  single,
  wordBoundary,
} from "./matchers.ts";

const QUANTIFIER = /(?:([*+?])|\{(\d+)(,(\d*))?\})(\??)/y;
const CLASS = /\[(?:\\.|[^\]\\])*\]/y;
const ESCAPE = /\\(?:x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]+\}|u[0-9A-Fa-f]{4}|k<[^>]*>|[1-9]\d*|.)/suy;
const CHARACTER = /./suy;
const GROUP = /\((?:\?(:|=|!|<=|<!|<([^>]*)>))?/y;

interface Quantifier {
  readonly minimum: number;
  readonly maximum: number;
  readonly lazy: boolean;
}

interface Atom {
  readonly matcher: Matcher;
  /** For an atom that is one character: which ones. */
  readonly accepts?: (character: string) => boolean;
}

/** Makes a matcher of a regular expression in JavaScript's unicode syntax that JavaScript has accepted. */
export class ExpressionParser {
  groupCount = 0;
  readonly #source: string;
  readonly #flags: "u" | "iu";
  readonly #groupNames = new Map<string, number>();
  #offset = 0;

  constructor(source: string, flags: "u" | "iu") {
    this.#source = source;
    this.#flags = flags;
  }

  parse(): Matcher {
    const alternatives = [this.#alternative()];
    while (this.#source[this.#offset] === "|") {
      this.#offset++;
      alternatives.push(this.#alternative());
    }
    return alternation(alternatives);
  }

  #alternative(): Matcher {
    const terms: Matcher[] = [];
    while (this.#offset < this.#source.length && !/[|)]/.test(this.#source[this.#offset] as string)) {
      terms.push(this.#term());
    }
    return sequence(terms);
  }

  #term(): Matcher {
    const { matcher, accepts } = this.#atom();
    const quantifier = this.#quantifier();
    if (quantifier === undefined) return matcher;
    const { minimum, maximum, lazy } = quantifier;
    return accepts === undefined
      ? repeat(matcher, minimum, maximum, lazy)
      : characterRepeat(accepts, minimum, maximum, lazy);
  }

  #quantifier(): Quantifier | undefined {
    const match = this.#take(QUANTIFIER);
    if (match === undefined) return undefined;
    const [, sign, least, comma, most, lazy] = match;
    const range = { minimum: sign === "+" ? 1 : Number(least ?? 0), maximum: Number.POSITIVE_INFINITY };
    if (sign === "?") range.maximum = 1;
    else if (sign === undefined && comma === undefined) range.maximum = range.minimum;
    else if (most !== undefined && most !== "") range.maximum = Number(most);
    return { ...range, lazy: lazy === "?" };
  }

  #atom(): Atom {
    switch (this.#source[this.#offset]) {
      case "^":
        this.#offset++;
        return { matcher: anchor((_run, index) => index === 0) };
      case "$":
        this.#offset++;
        return { matcher: anchor((run, index) => index === run.characters.length) };
      case "(":
        return { matcher: this.#group() };
      case "[":
        return this.#character((this.#take(CLASS) as RegExpExecArray)[0]);
      case "\\":
        return this.#escape((this.#take(ESCAPE) as RegExpExecArray)[0]);
      default:
        return this.#character((this.#take(CHARACTER) as RegExpExecArray)[0]);
    }
  }

  #escape(source: string): Atom {
    if (source === "\\b") return { matcher: wordBoundary };
    if (source === "\\B") return { matcher: inverted(wordBoundary) };
    if (source.startsWith("\\k<")) return this.#reference(this.#groupNames.get(source.slice(3, -1)) as number);
    if (/^\\[1-9]/.test(source)) return this.#reference(Number(source.slice(1)) - 1);
    return this.#character(source);
  }

  #reference(group: number): Atom {
    const ignoresCase = this.#flags === "iu";
    return { matcher: backReference(group, ignoresCase) };
  }

  /** @param source what stands for one character, e.g. `a`, `.`, `\d` or `[a-z]` */
  #character(source: string): Atom {
    const expression = new RegExp(`^${source}$`, this.#flags);
    const verdicts = new Map<string, boolean>();
    const accepts = (character: string): boolean => {
      let verdict = verdicts.get(character);
      if (verdict === undefined) {
        verdict = expression.test(character);
        verdicts.set(character, verdict);
      }
      return verdict;
    };
    return { matcher: single(accepts), accepts };
  }

  #group(): Matcher {
    const [opening, kind, name] = this.#take(GROUP) as RegExpExecArray;
    const group = opening === "(" || name !== undefined ? this.groupCount++ : undefined;
    if (name !== undefined) this.#groupNames.set(name, group as number);
    const inside = this.parse();
    this.#offset++;
    switch (kind) {
      case ":":
        return inside;
      case "=":
        return lookahead(inside);
      case "!":
        return inverted(lookahead(inside));
      case "<=":
        return lookbehind(inside);
      case "<!":
        return inverted(lookbehind(inside));
      default:
        return capture(inside, group as number);
    }
  }

  #take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#offset;
    const match = expression.exec(this.#source);
    if (match === null) return undefined;
    this.#offset += match[0].length;
    return match;
  }
}
