/** The parts of a selector as functions. Undefined is SQL's null, and its unknown. Source: Jakarta Messaging 3.1, 3.8.1. */

export type SelectorValue = string | number | boolean | undefined;

/** What identifiers stand for. */
export type Lookup = (identifier: string) => SelectorValue;

export type Expression = (lookup: Lookup) => SelectorValue;

export function and(a: Expression, b: Expression): Expression {
  return (lookup) => {
    const [x, y] = [truth(a(lookup)), truth(b(lookup))];
    if (x === false || y === false) return false;
    return x === true && y === true ? true : undefined;
  };
}

export function or(a: Expression, b: Expression): Expression {
  return (lookup) => {
    const [x, y] = [truth(a(lookup)), truth(b(lookup))];
    if (x === true || y === true) return true;
    return x === false && y === false ? false : undefined;
  };
}

export function not(a: Expression): Expression {
  return (lookup) => {
    const value = truth(a(lookup));
    return value === undefined ? undefined : !value;
  };
}

/** Values of different types are neither equal nor in any order: the comparison is false, or unknown with a null. */
export function compare(operator: string, a: Expression, b: Expression): Expression {
  return (lookup) => {
    const [x, y] = [a(lookup), b(lookup)];
    if (x === undefined || y === undefined) return undefined;
    if (typeof x !== typeof y) return false;
    if (operator === "=") return x === y;
    if (operator === "<>") return x !== y;
    if (typeof x !== "number" || typeof y !== "number") return false;
    return isOrdered(operator, x, y);
  };
}

export function calculate(operator: string, a: Expression, b: Expression): Expression {
  return (lookup) => {
    const [x, y] = [a(lookup), b(lookup)];
    if (typeof x !== "number" || typeof y !== "number") return undefined;
    switch (operator) {
      case "+":
        return x + y;
      case "-":
        return x - y;
      case "*":
        return x * y;
      default:
        return x / y;
    }
  };
}

export function isNull(a: Expression): Expression {
  return (lookup) => a(lookup) === undefined;
}

export function isIn(a: Expression, texts: readonly string[]): Expression {
  return (lookup) => {
    const value = a(lookup);
    return value === undefined ? undefined : texts.includes(String(value));
  };
}

/**
 * `%` stands for any characters and `_` for one; `escapeCharacter` takes that from them. Unknown is also what takes far more
 * comparisons than a text has characters, and a text that is no short value: who selects must not hold up everybody.
 */
export function like(a: Expression, pattern: string, escapeCharacter: string | undefined): Expression {
  const steps = stepsOf(pattern, escapeCharacter);
  return (lookup) => {
    const value = a(lookup);
    if (value === undefined) return undefined;
    if (typeof value !== "string") return false;
    return value.length > LIKE_LENGTH_MAX ? undefined : matches([...value], steps);
  };
}

/** Longest text that is compared, in UTF-16 code units. */
const LIKE_LENGTH_MAX = 65_536;
const COMPARISONS_MIN = 10_000;
const COMPARISONS_PER_CHARACTER = 8;

interface Step {
  readonly kind: "any" | "one" | "character";
  /** Of kind "character". */
  readonly character?: string;
}

function stepsOf(pattern: string, escapeCharacter: string | undefined): Step[] {
  const steps: Step[] = [];
  let isEscaped = false;
  for (const character of pattern) {
    if (!isEscaped && character === escapeCharacter) {
      isEscaped = true;
      continue;
    }
    if (!isEscaped && character === "%") steps.push({ kind: "any" });
    else if (!isEscaped && character === "_") steps.push({ kind: "one" });
    else steps.push({ kind: "character", character });
    isEscaped = false;
  }
  return steps;
}

/** Undefined when it takes too long to tell. */
function matches(characters: readonly string[], steps: readonly Step[]): boolean | undefined {
  let [at, step, lastAny, retryAt] = [0, 0, -1, 0];
  let comparisonsLeft = steps.length + COMPARISONS_MIN + COMPARISONS_PER_CHARACTER * characters.length;
  while (at < characters.length) {
    if (comparisonsLeft-- === 0) return undefined;
    const current = steps[step];
    if (current?.kind === "any") {
      lastAny = step++;
      retryAt = at;
    } else if (current !== undefined && (current.kind === "one" || current.character === characters[at])) {
      at++;
      step++;
    } else if (lastAny >= 0) {
      step = lastAny + 1;
      at = ++retryAt;
    } else {
      return false;
    }
  }
  return steps.slice(step).every(({ kind }) => kind === "any");
}

function isOrdered(operator: string, x: number, y: number): boolean {
  switch (operator) {
    case "<":
      return x < y;
    case "<=":
      return x <= y;
    case ">":
      return x > y;
    default:
      return x >= y;
  }
}

function truth(value: SelectorValue): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}
