export const ONE_WORD = "*";
export const ANY_WORDS = "#";

/** The words of a routing key or pattern; the empty one has none. */
export function wordsOf(text: string): string[] {
  return text === "" ? [] : text.split(".");
}

/** Whether a topic binding with this pattern matches this routing key, both as words. */
export function topicMatches(pattern: readonly string[], key: readonly string[]): boolean {
  let at = 0;
  let keyAt = 0;
  /** Behind the last '#', and the first word that it does not yet stand for. */
  let afterAny = -1;
  let anyEnd = 0;
  while (keyAt < key.length) {
    const word = pattern[at];
    if (word === ANY_WORDS) {
      at++;
      afterAny = at;
      anyEnd = keyAt;
    } else if (word !== undefined && (word === ONE_WORD || word === key[keyAt])) {
      at++;
      keyAt++;
    } else if (afterAny >= 0) {
      at = afterAny;
      anyEnd++;
      keyAt = anyEnd;
    } else {
      return false;
    }
  }
  while (pattern[at] === ANY_WORDS) at++;
  return at === pattern.length;
}
