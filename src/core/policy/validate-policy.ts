import { BrokerError } from "../errors.ts";
import { compilePattern, InvalidPatternError } from "../pattern/compile-pattern.ts";
import type { PolicyValue } from "../policy-values.ts";
import { jsonTerm, pairsTerm } from "../json-term.ts";
import { APPLY_TO, type ApplyTo, type Policy, type PolicyKind, type PolicySpec } from "./policy.ts";
import { POLICY_KEY_GROUPS, type PolicyKey, type PolicyMembers } from "./policy-keys.ts";

/** Longest pattern, in octets. RabbitMQ: `rabbit_re`. */
const PATTERN_BYTES_MAX = 1024;

/** Refused before anything else is looked at. RabbitMQ 4.3: deprecated features. */
const GONE_KEY = "queue-master-locator";

/**
 * The policy that `spec` describes.
 *
 * @throws BrokerError PRECONDITION_FAILED that names everything wrong with it, in RabbitMQ's words and order
 */
export function validPolicy(kind: PolicyKind, vhost: string, name: string, spec: PolicySpec): Policy {
  const { pattern, definition, priority = 0, applyTo = "all" } = spec;
  const problems = [
    definitionProblem(kind, name, definition),
    applyToProblem(applyTo),
    patternProblem(pattern),
    typeof priority === "number" ? undefined : `priority should be a number, actually was ${jsonTerm(priority)}`,
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) {
    throw new BrokerError("PRECONDITION_FAILED", `Validation failed\n\n${problems.join("\n")}\n`);
  }
  return {
    vhost,
    name,
    pattern: pattern as string,
    applyTo: applyTo as ApplyTo,
    priority: priority as number,
    definition: new Map(Object.entries(definition as Record<string, PolicyValue>)),
  };
}

function applyToProblem(applyTo: unknown): string | undefined {
  if ((APPLY_TO as readonly unknown[]).includes(applyTo)) return undefined;
  const choices = "'queues', 'classic_queues',  'quorum_queues', 'streams', 'exchanges', or 'all'";
  return `apply-to '${String(applyTo)}' unrecognised; should be one of: ${choices}`;
}

function patternProblem(pattern: unknown): string | undefined {
  if (typeof pattern !== "string") return `pattern should be a binary but was ${jsonTerm(pattern)}`;
  if (Buffer.byteLength(pattern) > PATTERN_BYTES_MAX) return `pattern must not exceed ${PATTERN_BYTES_MAX} bytes`;
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (!(error instanceof InvalidPatternError)) throw error;
    return `pattern should be regular expression but is invalid: ${error.problem}`;
  }
}

function definitionProblem(kind: PolicyKind, name: string, definition: unknown): string | undefined {
  if (Array.isArray(definition) && definition.length > 0) {
    return `definition must be a dictionary: ${jsonTerm(definition)}`;
  }
  if (typeof definition !== "object" || definition === null) {
    return `parse error while reading policy ${name}: ${jsonTerm(definition)}. Validator: ${validatorName(kind)}.`;
  }
  const members = Object.entries(definition).sort(([a], [b]) => (a < b ? -1 : 1));
  if (members.length === 0) return "no policy provided";
  return valueProblem(kind, members);
}

function validatorName(kind: PolicyKind): string {
  return kind === "policy" ? "policy_validator" : "operator_policy_validator";
}

/** Values are checked before unknown keys, and of either only the first problem is told. */
function valueProblem(kind: PolicyKind, members: PolicyMembers): string | undefined {
  if (members.some(([name]) => name === GONE_KEY)) return `use of deprecated ${GONE_KEY} argument is not permitted`;
  const known = new Set<string>();
  for (const group of POLICY_KEY_GROUPS) {
    const permitted = new Map(group.keys.filter((key) => isPermitted(kind, key)).map((key) => [key.name, key]));
    const own = members.filter(([name]) => permitted.has(name));
    for (const [name] of own) known.add(name);
    const problem = group.before?.(own) ?? firstRefusal(own, permitted) ?? group.after?.(own);
    if (problem !== undefined) return problem;
  }
  const unknown = members.filter(([name]) => !known.has(name));
  return unknown.length === 0 ? undefined : `${pairsTerm(unknown)} are not recognised policy settings`;
}

function isPermitted(kind: PolicyKind, key: PolicyKey): boolean {
  return kind === "policy" || key.merge !== undefined;
}

function firstRefusal(members: PolicyMembers, keys: ReadonlyMap<string, PolicyKey>): string | undefined {
  for (const [name, value] of members) {
    const key = keys.get(name) as PolicyKey;
    if (!key.accepts(value)) return `${jsonTerm(value)} ${key.refusal}`;
  }
  return undefined;
}
