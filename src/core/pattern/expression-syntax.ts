/** What the parts of a regular expression are made into. */
export interface ExpressionSyntax<Part> {
  /** One character of those that are accepted. */
  character(accepts: (character: string) => boolean): Part;
  characterRepeat(accepts: (character: string) => boolean, repetition: Repetition): Part;
  /** The beginning of the text, and its end. */
  readonly start: Part;
  readonly end: Part;
  readonly wordBoundary: Part;
  readonly noWordBoundary: Part;
  sequence(terms: readonly Part[]): Part;
  alternation(alternatives: readonly Part[]): Part;
  repeat(inside: Part, repetition: Repetition): Part;
  /** @param group counted from 0 */
  capture(inside: Part, group: number): Part;
  /** What a group has captured; nothing when it has not. */
  backReference(group: number, ignoresCase: boolean): Part;
  look(inside: Part, direction: "ahead" | "behind", isInverted: boolean): Part;
}

export interface Repetition {
  readonly minimum: number;
  /** May be infinite. */
  readonly maximum: number;
  /** Few rather than many are tried first. */
  readonly lazy: boolean;
}
