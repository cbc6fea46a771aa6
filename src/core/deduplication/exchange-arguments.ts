import type { FieldTable } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import {
  CACHE_PERSISTENCE,
  CACHE_PERSISTENCES,
  CACHE_SIZE,
  CACHE_SIZE_MAX,
  CACHE_TTL,
  CACHE_TTL_MILLISECONDS_MAX,
  DEDUPLICATION_HEADER,
  DEDUPLICATION_PROPERTY,
  integerOf,
  MESSAGE_DEDUPLICATION,
  MESSAGE_ID_PROPERTY,
} from "./deduplication-options.ts";

/** What of exchange.declare deduplication looks at. */
export interface DeclaredExchange {
  readonly type: string;
  readonly arguments: FieldTable;
}

/** The exchange type of the RabbitMQ plugin. */
export const MESSAGE_DEDUPLICATION_TYPE = "x-message-deduplication";

/** The argument of an x-delayed-message exchange that names the type it delays messages for. */
const DELAYED_TYPE = "x-delayed-type";

/**
 * Whether an exchange is to look for duplicates: by its type or that of the exchange it delays messages for, as with
 * the RabbitMQ plugin, or by an argument, as in LavinMQ.
 * @throws BrokerError PRECONDITION_FAILED for arguments that are refused; the texts are the plugin's where it has one
 */
export function wantsDeduplication({ type, arguments: table }: DeclaredExchange): boolean {
  const isOfType = type === MESSAGE_DEDUPLICATION_TYPE || table.get(DELAYED_TYPE)?.value === MESSAGE_DEDUPLICATION_TYPE;
  const wanted = table.get(MESSAGE_DEDUPLICATION);
  if (wanted !== undefined && wanted.type !== "bool") throw invalid(MESSAGE_DEDUPLICATION, "a boolean");
  if (!isOfType && wanted?.value !== true) return false;
  if (isOfType || table.has(CACHE_SIZE)) checkInteger(table, CACHE_SIZE, CACHE_SIZE_MAX, "Missing or invalid argument");
  if (table.has(CACHE_TTL)) checkInteger(table, CACHE_TTL, CACHE_TTL_MILLISECONDS_MAX, "Invalid argument");
  checkText(table, CACHE_PERSISTENCE, CACHE_PERSISTENCES, "either 'disk' or 'memory'");
  checkText(table, DEDUPLICATION_HEADER, undefined, "a string");
  checkText(table, DEDUPLICATION_PROPERTY, [MESSAGE_ID_PROPERTY], `'${MESSAGE_ID_PROPERTY}'`);
  if (table.has(DEDUPLICATION_HEADER) && table.has(DEDUPLICATION_PROPERTY)) {
    throw refused(`${DEDUPLICATION_HEADER} and ${DEDUPLICATION_PROPERTY} are mutually exclusive`);
  }
  return true;
}

function checkInteger(table: FieldTable, name: string, max: number, what: string): void {
  const value = integerOf(table.get(name));
  if (value === undefined || value <= 0) throw refused(`${what}, '${name}' must be an integer greater than 0`);
  if (value > max) throw refused(`Invalid argument, '${name}' must not exceed ${max}`);
}

function checkText(table: FieldTable, name: string, allowed: readonly string[] | undefined, what: string): void {
  const field = table.get(name);
  if (field === undefined) return;
  if (field.type === "longstr" && (allowed === undefined || allowed.includes(field.value))) return;
  throw invalid(name, what);
}

function invalid(name: string, what: string): BrokerError {
  return refused(`Invalid argument, '${name}' must be ${what}`);
}

function refused(explanation: string): BrokerError {
  return new BrokerError("PRECONDITION_FAILED", explanation);
}
