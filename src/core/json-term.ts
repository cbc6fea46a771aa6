import { octetsPrinted } from "../wire/erlang-text.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e\n\r\t]*$/;

/** A JSON value as the Erlang term RabbitMQ makes of it, on one line, the way `~tp` prints it. */
export function jsonTerm(value: unknown): string {
  switch (typeof value) {
    case "string":
      return textTerm(value);
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(jsonTerm).join(",")}]`;
      return mapTerm(Object.entries(value));
    default:
      return String(value);
  }
}

/** The members of an object as the list of pairs that RabbitMQ prints. */
export function pairsTerm(members: readonly (readonly [key: string, value: unknown])[]): string {
  return `[${members.map(([key, value]) => `{${textTerm(key)},${jsonTerm(value)}}`).join(",")}]`;
}

function mapTerm(members: readonly (readonly [key: string, value: unknown])[]): string {
  return `#{${members.map(([key, value]) => `${textTerm(key)} => ${jsonTerm(value)}`).join(",")}}`;
}

function textTerm(text: string): string {
  if (!PRINTABLE_ASCII.test(text)) return `<<"${text.replace(/["\\]/g, "\\$&")}"/utf8>>`;
  const octets = Buffer.from(text);
  return octetsPrinted(octets, 0, octets.length);
}
