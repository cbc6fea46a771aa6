import { Amqp10Error } from "../error-condition.ts";

/** A word or sign of a selector. Keywords are in upper case. */
export type Token =
  | { readonly kind: "keyword"; readonly text: string }
  | { readonly kind: "operator"; readonly text: string }
  | { readonly kind: "identifier"; readonly text: string }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "end" };

const KEYWORDS: ReadonlySet<string> = new Set([
  "AND",
  "OR",
  "NOT",
  "BETWEEN",
  "LIKE",
  "ESCAPE",
  "IN",
  "IS",
  "NULL",
  "TRUE",
  "FALSE",
]);

const TOKEN =
  /\s*(?:(?<string>'(?:[^']|'')*')|(?<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_$][\w$.]*)|(?<operator><>|!=|<=|>=|[=<>+\-*/(),]))/y;

/** Longest selector, in characters. */
const SELECTOR_LENGTH_MAX = 8192;

/** @throws Amqp10Error amqp:invalid-field for what is in no token */
export function tokensOf(selector: string): Token[] {
  if (selector.length > SELECTOR_LENGTH_MAX) throw invalidSelector(`longer than ${SELECTOR_LENGTH_MAX} characters`);
  const tokens: Token[] = [];
  let at = 0;
  while (at < selector.length) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(selector)?.groups;
    if (groups === undefined) {
      if (selector.slice(at).trim() === "") break;
      throw invalidSelector(`unexpected '${selector.slice(at, at + 10)}' at ${at}`);
    }
    tokens.push(tokenOf(groups));
    at = TOKEN.lastIndex;
  }
  tokens.push({ kind: "end" });
  return tokens;
}

export function invalidSelector(reason: string): Amqp10Error {
  return new Amqp10Error("amqp:invalid-field", `invalid selector: ${reason}`);
}

function tokenOf({ string, number, word, operator }: Readonly<Record<string, string | undefined>>): Token {
  if (string !== undefined) return { kind: "string", text: string.slice(1, -1).replaceAll("''", "'") };
  if (number !== undefined) return { kind: "number", value: Number(number) };
  if (operator !== undefined) return { kind: "operator", text: operator === "!=" ? "<>" : operator };
  const text = word as string;
  const upper = text.toUpperCase();
  return KEYWORDS.has(upper) ? { kind: "keyword", text: upper } : { kind: "identifier", text };
}
