import * as v from "valibot";
import { NOTHING } from "./option-types.ts";
import { configSchema, OPTIONS, type OptionDescription, type OptionKey, type ServerConfig } from "./options.ts";
import { closestName } from "./suggest.ts";

/** The configuration cannot be used; the message has one line per problem, fit to be shown to whoever wrote it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** @internal */
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** Where values come from, and what an option is called there. */
export interface ConfigSource {
  /** The value of every name that is given; undefined stands for "not given". */
  readonly values: Readonly<Record<string, unknown>>;
  nameOf(option: OptionDescription): string;
  /** The name as its writer knows it, e.g. `--port` or `port in leveret.yaml`. */
  label(name: string): string;
}

interface GivenValue {
  readonly value: unknown;
  readonly label: string;
}

/** Options of the command line, by their names without dashes. */
export function commandLineSource(values: Readonly<Record<string, unknown>>): ConfigSource {
  const label = (name: string): string => `${name.length === 1 ? "-" : "--"}${name}`;
  return { values, nameOf: (option) => option.commandLineName, label };
}

/** Variables of the environment that begin with `LEVERET_`. An empty one counts as not set. */
export function environmentSource(environment: Readonly<Record<string, string | undefined>>): ConfigSource {
  const values = Object.entries(environment).filter(([name, value]) => isOwnVariable(name, value));
  return { values: Object.fromEntries(values), nameOf: (option) => option.environmentName, label: (name) => name };
}

/** Values given under their own keys; `place` says where, e.g. `in leveret.yaml`. */
export function keyedSource(values: Readonly<Record<string, unknown>>, place: string): ConfigSource {
  return { values, nameOf: (option) => option.key, label: (name) => `${name} ${place}` };
}

/**
 * Merges `sources`, the first one winning, fills in the defaults and checks the result.
 * Throws a {@link ConfigError} that names every unknown name and every value that is not allowed.
 */
export function resolveConfig(sources: readonly ConfigSource[], options = OPTIONS): ServerConfig {
  const problems = sources.flatMap((source) => unknownNames(source, options));
  const given = new Map<OptionKey, GivenValue>();
  for (const source of sources) {
    for (const option of options) {
      const name = source.nameOf(option);
      const value = source.values[name];
      if (value === undefined || given.has(option.key)) continue;
      given.set(option.key, { value: convertText(value, option), label: source.label(name) });
    }
  }
  const result = v.safeParse(configSchema, Object.fromEntries([...given].map(([key, { value }]) => [key, value])));
  if (!result.success) problems.push(...describeIssues(result.issues, given));
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return result.output;
}

/** The command line and the environment hold nothing but text. */
function convertText(value: unknown, { kind }: OptionDescription): unknown {
  if (typeof value !== "string") return value;
  if ((kind === "number" || kind === "union") && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (kind === "boolean" && /^(true|false)$/.test(value)) return value === "true";
  return kind === "array" ? convertList(value) : value;
}

/** A list in text form: JSON, or words with commas between. */
function convertList(text: string): unknown {
  if (text === NOTHING) return [];
  if (!text.startsWith("[")) return text.split(",").map((word) => word.trim());
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unknownNames(source: ConfigSource, options: readonly OptionDescription[]): string[] {
  const known = new Set(options.map((option) => source.nameOf(option)));
  const unknown = Object.keys(source.values).filter((name) => !known.has(name) && source.values[name] !== undefined);
  return unknown.map((name) => {
    const suggestion = closestName(name, known);
    const hint = suggestion === undefined ? "" : `; did you mean ${source.label(suggestion)}?`;
    return `${source.label(name)} is not an option${hint}`;
  });
}

function describeIssues(
  issues: readonly v.InferIssue<typeof configSchema>[],
  given: ReadonlyMap<OptionKey, GivenValue>,
): string[] {
  const seen = new Set<unknown>();
  return issues.flatMap((issue) => {
    const key = issue.path?.[0]?.key as OptionKey;
    if (seen.has(key)) return [];
    seen.add(key);
    const { value, label } = given.get(key)!;
    const place = placeInside(issue.path ?? []);
    if (place === "") return [`${label} is ${JSON.stringify(value)}, but must be ${issue.message}`];
    return [`${label} has ${JSON.stringify(issue.input)} at ${place}, but must be ${issue.message}`];
  });
}

/** Where in the value of an option something is, e.g. `[1].port`; nothing for the value itself. */
function placeInside(path: readonly { readonly key: unknown }[]): string {
  return path
    .slice(1)
    .map(({ key }) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
}

/**
 * Kubernetes gives every container of a namespace with a Service named "leveret" the variables LEVERET_PORT
 * (a tcp:// URL), LEVERET_PORT_... and LEVERET_SERVICE_...; they are not meant for this process.
 */
function isOwnVariable(name: string, value: string | undefined): boolean {
  if (!name.startsWith("LEVERET_") || value === undefined || value === "") return false;
  const serviceLink = /^LEVERET_(SERVICE|PORT)_/.test(name) || (name === "LEVERET_PORT" && value.startsWith("tcp://"));
  return !serviceLink;
}
