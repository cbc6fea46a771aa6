// Hot file: one search for each name and pattern when policies change. No allocation for each character.

import type { ExpressionSyntax, Repetition } from "./expression-syntax.ts";
import { isWordBoundary } from "./word-boundary.ts";

/** Most steps of a program: counted repetitions are written out. A search takes so many for each character at most. */
const STEPS_MAX = 400;

/** Whether something holds at a place. */
type Condition = (characters: readonly string[], index: number) => boolean;

/** One step of a program; `next` and `other` are places in it, or the one behind the last, where the text fits. */
interface Step {
  /** The character it takes; undefined: none. */
  readonly accepts?: (character: string) => boolean;
  readonly condition?: Condition;
  next: number;
  /** Another way from here. */
  other?: number;
}

/** Adds the steps of a part to a program. */
type Emit = (program: Step[]) => void;

/** The expression cannot be made into an automaton, or into none of a reasonable size. */
class NoAutomatonError extends Error {}

/** In the place of {@link Step.other}: there is one way only. */
const NO_OTHER = -1;

/**
 * A regular expression that is searched for in every way at once, so that a search takes no more steps than the program
 * has for each character. It has no back references and does not look around. (Thompson 1968.)
 */
export class Automaton {
  readonly #stepCount: number;
  // The program, as parallel arrays:
  readonly #accepts: readonly ((character: string) => boolean)[];
  readonly #takes: Uint8Array;
  readonly #conditions: readonly (Condition | undefined)[];
  readonly #next: Uint16Array;
  readonly #other: Int16Array;
  /** By place in the program: the index in the text for which it was last entered, and one. */
  readonly #enteredFor: Uint32Array;
  /** Places of steps that wait for a character, and of those that wait for the one behind it. */
  #waiting: Uint16Array;
  #upcoming: Uint16Array;
  #upcomingCount = 0;
  /** Each step is entered once and pushes two at most. */
  readonly #stack: Uint16Array;

  private constructor(program: readonly Step[]) {
    this.#stepCount = program.length;
    this.#accepts = program.map(({ accepts }) => accepts ?? (() => false));
    this.#takes = Uint8Array.from(program, ({ accepts }) => (accepts === undefined ? 0 : 1));
    this.#conditions = program.map(({ condition }) => condition);
    this.#next = Uint16Array.from(program, ({ next }) => next);
    this.#other = Int16Array.from(program, ({ other }) => other ?? NO_OTHER);
    this.#enteredFor = new Uint32Array(program.length);
    this.#waiting = new Uint16Array(program.length);
    this.#upcoming = new Uint16Array(program.length);
    this.#stack = new Uint16Array(2 * program.length + 1);
  }

  /** The automaton that `parse` describes; undefined when there cannot be one. */
  static of(parse: (syntax: ExpressionSyntax<Emit>) => Emit): Automaton | undefined {
    try {
      const program: Step[] = [];
      parse(SYNTAX)(program);
      return new Automaton(program);
    } catch (error) {
      if (error instanceof NoAutomatonError) return undefined;
      throw error;
    }
  }

  /** Whether the expression is found anywhere in the text, a string for each code point. */
  test(characters: readonly string[]): boolean {
    this.#enteredFor.fill(0);
    this.#upcomingCount = 0;
    for (let index = 0; ; index++) {
      if (this.#enter(0, characters, index)) return true;
      if (index === characters.length) return false;
      const character = characters[index] as string;
      const waiting = this.#upcoming;
      const waitingCount = this.#upcomingCount;
      this.#upcoming = this.#waiting;
      this.#upcomingCount = 0;
      this.#waiting = waiting;
      for (let at = 0; at < waitingCount; at++) {
        const place = waiting[at] as number;
        if (!(this.#accepts[place] as (character: string) => boolean)(character)) continue;
        if (this.#enter(this.#next[place] as number, characters, index + 1)) return true;
      }
    }
  }

  /** Goes on from `place` without taking a character; true when that leads to the end. */
  #enter(place: number, characters: readonly string[], index: number): boolean {
    const stack = this.#stack;
    stack[0] = place;
    for (let size = 1; size > 0; ) {
      const at = stack[--size] as number;
      if (at === this.#stepCount) return true;
      if (this.#enteredFor[at] === index + 1) continue;
      this.#enteredFor[at] = index + 1;
      if (this.#takes[at] === 1) {
        this.#upcoming[this.#upcomingCount++] = at;
        continue;
      }
      const condition = this.#conditions[at];
      if (condition !== undefined && !condition(characters, index)) continue;
      const other = this.#other[at] as number;
      if (other !== NO_OTHER) stack[size++] = other;
      stack[size++] = this.#next[at] as number;
    }
    return false;
  }
}

function add(program: Step[], step: Omit<Step, "next">): Step {
  if (program.length === STEPS_MAX) throw new NoAutomatonError();
  const added = { ...step, next: program.length + 1 };
  program.push(added);
  return added;
}

function assertion(condition: Condition): Emit {
  return (program) => {
    add(program, { condition });
  };
}

function repeat(inside: Emit, { minimum, maximum }: Repetition): Emit {
  return (program) => {
    for (let count = 0; count < minimum; count++) {
      const before = program.length;
      inside(program);
      // Nothing, however often: {1000000000} of it would keep us for long.
      if (program.length === before) break;
    }
    if (maximum === Number.POSITIVE_INFINITY) {
      const start = program.length;
      const fork = add(program, {});
      inside(program);
      add(program, {}).next = start;
      fork.other = program.length;
      return;
    }
    const forks: Step[] = [];
    for (let count = minimum; count < maximum; count++) {
      forks.push(add(program, {}));
      inside(program);
    }
    for (const fork of forks) fork.other = program.length;
  };
}

function unfit(): never {
  throw new NoAutomatonError();
}

const SYNTAX: ExpressionSyntax<Emit> = {
  character: (accepts) => (program) => {
    add(program, { accepts });
  },
  characterRepeat: (accepts, repetition) => repeat(SYNTAX.character(accepts), repetition),
  start: assertion((_characters, index) => index === 0),
  end: assertion((characters, index) => index === characters.length),
  wordBoundary: assertion(isWordBoundary),
  noWordBoundary: assertion((characters, index) => !isWordBoundary(characters, index)),
  sequence: (terms) => (program) => {
    for (const term of terms) term(program);
  },
  alternation: (alternatives) => (program) => {
    const ends: Step[] = [];
    for (const [number, alternative] of alternatives.entries()) {
      const isLast = number === alternatives.length - 1;
      const fork = isLast ? undefined : add(program, {});
      alternative(program);
      if (fork === undefined) continue;
      ends.push(add(program, {}));
      fork.other = program.length;
    }
    for (const end of ends) end.next = program.length;
  },
  repeat,
  capture: (inside) => inside,
  backReference: unfit,
  look: unfit,
};
