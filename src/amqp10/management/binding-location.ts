import { createHash } from "node:crypto";
import type { Binding } from "../../core/exchange/exchange.ts";
import { isExchange } from "../../core/exchange/target.ts";
import { encodeTableBody, type FieldTable } from "../../wire/field-table.ts";
import { percentDecoded, percentEncoded } from "../address.ts";
import { ManagementError } from "./management-error.ts";

const SEGMENT =
  /^src=([0-9A-Za-z\-._~%]+);dst([eq])=([0-9A-Za-z\-._~%]+);key=([0-9A-Za-z\-._~%]*);args=([0-9A-Za-z\-_]*)$/;
const HASH_BYTES = 4;

/** A binding as a path names it. */
export interface BindingPath {
  readonly source: string;
  readonly target: string;
  readonly targetKind: "queue" | "exchange";
  readonly routingKey: string;
  readonly argumentsHash: string;
}

/** The path by which a binding is deleted. */
export function bindingLocation({ source, target, routingKey, arguments: bindingArguments }: Binding): string {
  const kind = isExchange(target) ? "e" : "q";
  const names = [source.name, target.name, routingKey].map(percentEncoded);
  return `/bindings/src=${names[0]};dst${kind}=${names[1]};key=${names[2]};args=${argumentsHash(bindingArguments)}`;
}

/** @throws ManagementError 400 */
export function readBindingPath(segment: string): BindingPath {
  const match = SEGMENT.exec(segment);
  const names = match === null ? [] : [match[1], match[3], match[4]].map((name) => percentDecoded(name ?? ""));
  const [source, target, routingKey] = names;
  if (match === null || source === undefined || target === undefined || routingKey === undefined) {
    throw new ManagementError(400, `bad binding path segment '${segment}'`);
  }
  const targetKind = match[2] === "e" ? "exchange" : "queue";
  return { source, target, targetKind, routingKey, argumentsHash: match[5] ?? "" };
}

/** "" for no arguments. The same whatever their order. */
export function argumentsHash(table: FieldTable): string {
  if (table.size === 0) return "";
  const sorted = new Map([...table].sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(encodeTableBody(sorted)).digest().subarray(0, HASH_BYTES).toString("base64url");
}
