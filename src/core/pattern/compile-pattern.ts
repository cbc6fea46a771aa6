import { BrokerError } from "../errors.ts";
import { BoundedExpression } from "./bounded-expression.ts";

/** The POSIX classes that PCRE knows inside brackets and JavaScript does not, as the inside of a JavaScript class. */
const POSIX_CLASSES: ReadonlyMap<string, string> = new Map([
  ["alnum", "A-Za-z0-9"],
  ["alpha", "A-Za-z"],
  ["digit", "0-9"],
  ["lower", "a-z"],
  ["upper", "A-Z"],
  ["punct", "!-\\/:-@\\[-`\\{-~"],
  ["space", "\\s"],
  ["word", "\\w"],
  ["xdigit", "0-9A-Fa-f"],
]);

/** Escapes that mean the same in PCRE and in JavaScript; of letters and digits no other may follow a backslash. */
const SHARED_ESCAPES = /^\\(?:[dDwWsSbBnrtf]|x[0-9A-Fa-f]{2}|[1-9])/;
/** The two escapes that PCRE has for the ends of the text. Names hold no line feed, so that \Z is the same as \z. */
const ANCHORS: ReadonlyMap<string, string> = new Map([
  ["A", "^"],
  ["z", "$"],
  ["Z", "$"],
]);
const SHARED_GROUPS = /^\((?:\?(?::|=|!|<=|<!|P?<[A-Za-z_]\w*>))?/;
const CLASS_ESCAPE = /^\\[dDwWsS]$/;
const JAVASCRIPT_SYNTAX = /[\^$\\.*+?()[\]{}|/]/;

/**
 * How many repetitions and alternatives JavaScript may be left with: then the time a search takes grows with the square
 * of the text at worst.
 */
const REPETITIONS_MAX = 1;
const ALTERNATIVES_MAX = 4;

/** A compiled pattern. */
export interface NamePattern {
  /** Whether the pattern is found anywhere in `text`. Takes bounded time, whatever the pattern and the text. */
  test(text: string): boolean;
}

/**
 * Compiles a pattern of the kind RabbitMQ takes, which are Perl-compatible and search anywhere in the text. What
 * JavaScript writes otherwise is translated; what it has no equal for is refused rather than given another meaning.
 *
 * @throws InvalidPatternError when the pattern is no regular expression, or one that cannot be translated
 */
export function compilePattern(pattern: string): NamePattern {
  const ignoresCase = pattern.startsWith("(?i)");
  const source = new Translator(pattern, ignoresCase ? 4 : 0).translate();
  const flags = ignoresCase ? "iu" : "u";
  try {
    const expression = new RegExp(source, flags);
    return isHarmless(source) ? expression : new BoundedExpression(source, flags);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InvalidPatternError(pattern, error.message);
  }
}

/** Whether a search by `source` is over soon in any text that can be a name. */
function isHarmless(source: string): boolean {
  const bare = source
    .replace(/\\.|\[(?:\\.|[^\]\\])*\]/gsu, "x")
    .replace(/\(\?(?:[:=!]|<[=!]|<[^>]*>)/g, "(")
    .replace(/([*+?}])\?/g, "$1");
  if (/\)[*+?{]/.test(bare)) return false;
  return countOf(bare, /[*+?{]/g) <= REPETITIONS_MAX && countOf(bare, /\|/g) <= ALTERNATIVES_MAX;
}

function countOf(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}

/** A pattern that matches exactly `text` wherever it is put into another pattern. */
export function literalPattern(text: string): string {
  return text.replace(new RegExp(JAVASCRIPT_SYNTAX, "g"), "\\$&");
}

/** A pattern that cannot be taken. */
export class InvalidPatternError extends BrokerError {
  /** What is wrong with it. */
  readonly problem: string;

  constructor(pattern: string, problem: string) {
    super("PRECONDITION_FAILED", `invalid regular expression '${pattern}': ${problem}`);
    this.problem = problem;
  }
}

/** Goes through a pattern once and writes it anew in JavaScript's stricter (unicode) syntax. */
class Translator {
  readonly #pattern: string;
  #offset: number;

  constructor(pattern: string, offset: number) {
    this.#pattern = pattern;
    this.#offset = offset;
  }

  translate(): string {
    let output = "";
    while (this.#offset < this.#pattern.length) output += this.#item();
    return output;
  }

  #item(): string {
    switch (this.#pattern[this.#offset]) {
      case "\\":
        return this.#escape(true);
      case "[":
        return this.#class();
      case "(":
        return this.#group();
      case "{":
        return this.#take(/^\{\d+(?:,\d*)?\}/) ?? this.#literal();
      case "}":
      case "]":
      case "/":
        return this.#literal();
      default:
        return this.#pattern[this.#offset++]!;
    }
  }

  #group(): string {
    const opening = this.#take(SHARED_GROUPS) as string;
    if (opening === "(" && /^[?*]/.test(this.#rest())) this.#refuse(`'(${this.#rest().slice(0, 2)}'`);
    return opening.replace("?P<", "?<");
  }

  #class(): string {
    let output = this.#take(/^\[\^?/) as string;
    // A bracket that closes nothing yet stands for itself.
    if (this.#pattern[this.#offset] === "]") output += this.#literal();
    while (this.#offset < this.#pattern.length) {
      const start = this.#offset;
      const character = this.#pattern[start];
      if (character === "]") return output + this.#pattern[this.#offset++];
      const item = this.#classItem();
      output += item;
      // After a set of characters a hyphen cannot make a range, so it stands for itself.
      const isSet = CLASS_ESCAPE.test(item) || (character === "[" && this.#offset - start > 1);
      if (isSet && this.#pattern[this.#offset] === "-") output += this.#literal();
    }
    return this.#refuse("a class without its closing bracket");
  }

  #classItem(): string {
    const posix = /^\[:(\^?\w*):\]/.exec(this.#rest());
    if (posix !== null) {
      const inside = POSIX_CLASSES.get(posix[1]!);
      if (inside === undefined) return this.#refuse(`'${posix[0]}'`);
      this.#offset += posix[0].length;
      return inside;
    }
    if (this.#pattern[this.#offset] === "\\") return this.#escape(false);
    if (this.#pattern[this.#offset] === "[") return this.#literal();
    return this.#pattern[this.#offset++]!;
  }

  #escape(outsideClass: boolean): string {
    const shared = this.#take(SHARED_ESCAPES);
    if (shared !== undefined) return shared;
    this.#offset++;
    const escaped = this.#pattern[this.#offset];
    if (escaped === undefined) return this.#refuse("a backslash at the end");
    const anchor = outsideClass ? ANCHORS.get(escaped) : undefined;
    if (anchor !== undefined) {
      this.#offset++;
      return anchor;
    }
    if (/[A-Za-z0-9]/.test(escaped)) return this.#refuse(`'\\${escaped}'`);
    return this.#literal(outsideClass ? JAVASCRIPT_SYNTAX : /[\^$\\.*+?()[\]{}|/-]/);
  }

  /** The next character, escaped where JavaScript needs it. */
  #literal(syntax: RegExp = /[-{}[\]/]/): string {
    const character = this.#pattern[this.#offset++]!;
    return syntax.test(character) ? `\\${character}` : character;
  }

  #take(expression: RegExp): string | undefined {
    const taken = expression.exec(this.#rest())?.[0];
    if (taken !== undefined) this.#offset += taken.length;
    return taken;
  }

  #rest(): string {
    return this.#pattern.slice(this.#offset);
  }

  #refuse(what: string): never {
    throw new InvalidPatternError(this.#pattern, `${what} is not supported`);
  }
}
