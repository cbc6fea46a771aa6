const WORD = /^\w$/;

/** Whether a word begins or ends at `index` of a text, a string for each code point. */
export function isWordBoundary(characters: readonly string[], index: number): boolean {
  return isWord(characters[index - 1]) !== isWord(characters[index]);
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && WORD.test(character);
}
