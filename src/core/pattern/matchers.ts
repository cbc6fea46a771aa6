import type { Run } from "./bounded-run.ts";
import type { ExpressionSyntax, Repetition } from "./expression-syntax.ts";
import { isWordBoundary } from "./word-boundary.ts";

/** What is to match behind; gets where. */
export type Continuation = (index: number) => boolean;

/** Tries every way to match from `index` on, until what is behind matches too. */
export type Matcher = (run: Run, index: number, next: Continuation) => boolean;

/** Tells whether something holds at a place; it takes no characters. */
type Condition = (run: Run, index: number) => boolean;

/** One character. */
function single(accepts: (character: string) => boolean): Matcher {
  return (run, index, next) => index < run.characters.length && accepts(run.characters[index]!) && next(index + 1);
}

function anchor(condition: Condition): Matcher {
  return (run, index, next) => condition(run, index) && next(index);
}

const wordBoundary: Matcher = anchor((run, index) => isWordBoundary(run.characters, index));

/** Takes no characters, and matches where `matcher`, which takes none either, does not. */
function inverted(matcher: Matcher): Matcher {
  return anchor((run, index) => !matcher(run, index, () => true));
}

function lookahead(inside: Matcher): Matcher {
  return anchor((run, index) => run.step(() => inside(run, index, () => true)));
}

function lookbehind(inside: Matcher): Matcher {
  return anchor((run, index) => {
    for (let start = index; start >= 0; start--) {
      if (run.step(() => inside(run, start, (end) => end === index))) return true;
    }
    return false;
  });
}

function sequence(terms: readonly Matcher[]): Matcher {
  if (terms.length === 1) return terms[0]!;
  const from = (position: number, run: Run, index: number, next: Continuation): boolean => {
    if (position === terms.length) return next(index);
    return run.step(() => terms[position]!(run, index, (after) => from(position + 1, run, after, next)));
  };
  return (run, index, next) => from(0, run, index, next);
}

function alternation(alternatives: readonly Matcher[]): Matcher {
  if (alternatives.length === 1) return alternatives[0]!;
  return (run, index, next) => run.step(() => alternatives.some((alternative) => alternative(run, index, next)));
}

/** @param group counted from 0 */
function capture(inside: Matcher, group: number): Matcher {
  const [start, end] = [2 * group, 2 * group + 1];
  return (run, index, next) => {
    const { captures } = run;
    const before = [captures[start]!, captures[end]!] as const;
    const matched = inside(run, index, (after) => {
      const inner = [captures[start]!, captures[end]!] as const;
      [captures[start], captures[end]] = [index, after];
      if (next(after)) return true;
      [captures[start], captures[end]] = inner;
      return false;
    });
    if (!matched) [captures[start], captures[end]] = before;
    return matched;
  };
}

/** What a group has captured; nothing when it has not. */
function backReference(group: number, ignoresCase: boolean): Matcher {
  const folded = (text: string): string => (ignoresCase ? text.toLowerCase() : text);
  return (run, index, next) => {
    const [start, end] = [run.captures[2 * group]!, run.captures[2 * group + 1]!];
    if (start < 0) return next(index);
    const { characters } = run;
    const captured = characters.slice(start, end).join("");
    const after = index + end - start;
    return folded(characters.slice(index, after).join("")) === folded(captured) && next(after);
  };
}

/** Any number of characters: tried without going deeper for each. */
function characterRepeat(accepts: (character: string) => boolean, { minimum, maximum, lazy }: Repetition): Matcher {
  return (run, index, next) => {
    const { characters } = run;
    const last = Math.min(characters.length, index + maximum);
    let end = index;
    while (end < last && accepts(characters[end]!)) end++;
    const first = index + minimum;
    if (lazy) {
      for (let after = first; after <= end; after++) if (run.step(() => next(after))) return true;
    } else {
      for (let after = end; after >= first; after--) if (run.step(() => next(after))) return true;
    }
    return false;
  };
}

/** Anything, again and again. */
function repeat(inside: Matcher, { minimum, maximum, lazy }: Repetition): Matcher {
  const from = (count: number, run: Run, index: number, next: Continuation): boolean => {
    const enough = (): boolean => count >= minimum && next(index);
    const more = (): boolean =>
      count < maximum &&
      inside(run, index, (after) => {
        if (after !== index) return from(count + 1, run, after, next);
        // What has matched nothing can do so as often as it takes, and more often leads nowhere.
        return count < minimum && from(minimum, run, index, next);
      });
    return run.step(() => (lazy ? enough() || more() : more() || enough()));
  };
  return (run, index, next) => from(0, run, index, next);
}

/** Tries one way after the other. */
export const BACKTRACKING: ExpressionSyntax<Matcher> = {
  character: single,
  characterRepeat,
  start: anchor((_run, index) => index === 0),
  end: anchor((run, index) => index === run.characters.length),
  wordBoundary,
  noWordBoundary: inverted(wordBoundary),
  sequence,
  alternation,
  repeat,
  capture,
  backReference,
  look: (inside, direction, isInverted) => {
    const matcher = direction === "ahead" ? lookahead(inside) : lookbehind(inside);
    return isInverted ? inverted(matcher) : matcher;
  },
};
