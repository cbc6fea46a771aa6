import { EMPTY_TABLE, type FieldTable, type PlainFieldValue, tableFrom } from "../wire/field-table.ts";
import { OptionError } from "./perf-error.ts";

/** Values of options under their command-line names: each as text, or of its own type. */
export type OptionValues = Readonly<Record<string, unknown>>;

const NUMBER = /^-?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

export function text(values: OptionValues, name: string): string {
  return values[name] as string;
}

export function optionalText(values: OptionValues, name: string): string | undefined {
  return values[name] as string | undefined;
}

/** @throws OptionError for anything but true and false */
export function flag(values: OptionValues, name: string): boolean {
  const value = values[name];
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw notAllowed(values, name, "true or false");
}

/** @throws OptionError for anything but a whole number from 0 to `max` */
export function whole(values: OptionValues, name: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = numberOf(values, name);
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw notAllowed(values, name, `an integer from 0 to ${max}`);
}

/** @throws OptionError for anything but a number from 0 to `max` */
export function quantity(values: OptionValues, name: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = numberOf(values, name);
  if (value >= 0 && value <= max) return value;
  throw notAllowed(values, name, `a number from 0 to ${max}`);
}

/** @throws OptionError for anything but a JSON object */
export function table(values: OptionValues, name: string): FieldTable {
  let value: unknown;
  try {
    value = JSON.parse(text(values, name));
  } catch (error) {
    throw new OptionError(`--${name} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OptionError(`--${name} is not a JSON object`);
  }
  return Object.keys(value).length === 0 ? EMPTY_TABLE : tableFrom(value as Record<string, PlainFieldValue>);
}

function numberOf(values: OptionValues, name: string): number {
  const value = values[name];
  if (typeof value !== "string") return value as number;
  return NUMBER.test(value) ? Number(value) : Number.NaN;
}

function notAllowed(values: OptionValues, name: string, allowed: string): OptionError {
  const value = values[name];
  const shown = typeof value === "string" && !NUMBER.test(value) ? JSON.stringify(value) : String(value);
  return new OptionError(`--${name} is ${shown}, but must be ${allowed}`);
}
