import type { ExpressionSyntax, Repetition } from "./expression-syntax.ts";

const QUANTIFIER = /(?:([*+?])|\{(\d+)(,(\d*))?\})(\??)/y;
const CLASS = /\[(?:\\.|[^\]\\])*\]/y;
const ESCAPE = /\\(?:x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]+\}|u[0-9A-Fa-f]{4}|k<[^>]*>|[1-9]\d*|.)/suy;
const CHARACTER = /./suy;
const GROUP = /\((?:\?(:|=|!|<=|<!|<([^>]*)>))?/y;

interface Atom<Part> {
  readonly part: Part;
  /** For an atom that is one character: which ones. */
  readonly accepts?: (character: string) => boolean;
}

/** Takes a regular expression apart that is written in JavaScript's unicode syntax and that JavaScript has accepted. */
export class ExpressionParser<Part> {
  groupCount = 0;
  readonly #syntax: ExpressionSyntax<Part>;
  readonly #source: string;
  readonly #flags: "u" | "iu";
  readonly #groupNames = new Map<string, number>();
  #offset = 0;

  /** @param syntax what the parts are made into */
  constructor(source: string, flags: "u" | "iu", syntax: ExpressionSyntax<Part>) {
    this.#syntax = syntax;
    this.#source = source;
    this.#flags = flags;
  }

  parse(): Part {
    const alternatives = [this.#alternative()];
    while (this.#source[this.#offset] === "|") {
      this.#offset++;
      alternatives.push(this.#alternative());
    }
    return this.#syntax.alternation(alternatives);
  }

  #alternative(): Part {
    const terms: Part[] = [];
    while (this.#offset < this.#source.length && !/[|)]/.test(this.#source[this.#offset] as string)) {
      terms.push(this.#term());
    }
    return this.#syntax.sequence(terms);
  }

  #term(): Part {
    const { part, accepts } = this.#atom();
    const repetition = this.#quantifier();
    if (repetition === undefined) return part;
    return accepts === undefined
      ? this.#syntax.repeat(part, repetition)
      : this.#syntax.characterRepeat(accepts, repetition);
  }

  #quantifier(): Repetition | undefined {
    const match = this.#take(QUANTIFIER);
    if (match === undefined) return undefined;
    const [, sign, least, comma, most, lazy] = match;
    const range = { minimum: sign === "+" ? 1 : Number(least ?? 0), maximum: Number.POSITIVE_INFINITY };
    if (sign === "?") range.maximum = 1;
    else if (sign === undefined && comma === undefined) range.maximum = range.minimum;
    else if (most !== undefined && most !== "") range.maximum = Number(most);
    return { ...range, lazy: lazy === "?" };
  }

  #atom(): Atom<Part> {
    switch (this.#source[this.#offset]) {
      case "^":
        this.#offset++;
        return { part: this.#syntax.start };
      case "$":
        this.#offset++;
        return { part: this.#syntax.end };
      case "(":
        return { part: this.#group() };
      case "[":
        return this.#character((this.#take(CLASS) as RegExpExecArray)[0]);
      case "\\":
        return this.#escape((this.#take(ESCAPE) as RegExpExecArray)[0]);
      default:
        return this.#character((this.#take(CHARACTER) as RegExpExecArray)[0]);
    }
  }

  #escape(source: string): Atom<Part> {
    if (source === "\\b") return { part: this.#syntax.wordBoundary };
    if (source === "\\B") return { part: this.#syntax.noWordBoundary };
    if (source.startsWith("\\k<")) return this.#reference(this.#groupNames.get(source.slice(3, -1)) as number);
    if (/^\\[1-9]/.test(source)) return this.#reference(Number(source.slice(1)) - 1);
    return this.#character(source);
  }

  #reference(group: number): Atom<Part> {
    const ignoresCase = this.#flags === "iu";
    return { part: this.#syntax.backReference(group, ignoresCase) };
  }

  /** @param source what stands for one character, e.g. `a`, `.`, `\d` or `[a-z]` */
  #character(source: string): Atom<Part> {
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
    return { part: this.#syntax.character(accepts), accepts };
  }

  #group(): Part {
    const [opening, kind, name] = this.#take(GROUP) as RegExpExecArray;
    const group = opening === "(" || name !== undefined ? this.groupCount++ : undefined;
    if (name !== undefined) this.#groupNames.set(name, group as number);
    const inside = this.parse();
    this.#offset++;
    switch (kind) {
      case ":":
        return inside;
      case "=":
        return this.#syntax.look(inside, "ahead", false);
      case "!":
        return this.#syntax.look(inside, "ahead", true);
      case "<=":
        return this.#syntax.look(inside, "behind", false);
      case "<!":
        return this.#syntax.look(inside, "behind", true);
      default:
        return this.#syntax.capture(inside, group as number);
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
