import { compositeId, type DefinitionSink, StoredFields } from "../definitions.ts";
import { BrokerError } from "../errors.ts";
import { NO_POLICY, type PolicyValues } from "../policy-values.ts";
import { mergePolicies } from "./merge-policies.ts";
import {
  type PoliciesInEffect,
  POLICY_KINDS,
  type Policy,
  type PolicyKind,
  type PolicyObject,
  type PolicySpec,
} from "./policy.ts";
import { PolicyList } from "./policy-list.ts";
import { validPolicy } from "./validate-policy.ts";

/**
 * The policies and operator policies of every virtual host. RabbitMQ: "Policies", "Operator Policies".
 *
 * Stored as definitions of the kinds "policy" and "operator-policy", id `compositeId(vhost, name)`, value
 * `{ vhost, name, pattern, applyTo, priority, definition }`.
 */
export class PolicyDirectory {
  /** Called with the name of the virtual host after a change to its policies that may alter what is in effect. */
  onChange: (vhost: string) => void = () => {};
  readonly #definitions: DefinitionSink;
  readonly #lists: Readonly<Record<PolicyKind, Map<string, PolicyList>>> = {
    policy: new Map(),
    "operator-policy": new Map(),
  };
  /** What each pair of policies has come to, so that queues under the same policies share it; until the next change. */
  readonly #merged = new Map<Policy, Map<Policy, PolicyValues>>();
  /** Virtual hosts that are to be told of changes later. */
  #postponed: Set<string> | undefined;

  constructor(definitions: DefinitionSink) {
    this.#definitions = definitions;
  }

  /**
   * Adds a policy or replaces the one of that name. That the virtual host exists is for the caller to check.
   *
   * @throws BrokerError PRECONDITION_FAILED, in RabbitMQ's words, for what is no policy
   */
  set(kind: PolicyKind, vhost: string, name: string, spec: PolicySpec): void {
    const policy = validPolicy(kind, vhost, name, spec);
    const existing = this.get(kind, vhost, name);
    if (existing !== undefined && samePolicy(existing, policy)) return;
    this.#insert(kind, policy);
    this.#definitions.put(kind, compositeId(vhost, name), {
      ...policy,
      definition: Object.fromEntries(policy.definition),
    });
    this.#changed(vhost);
  }

  /** Removes a policy; false when there is none of that name. */
  delete(kind: PolicyKind, vhost: string, name: string): boolean {
    const list = this.#lists[kind].get(vhost);
    if (list === undefined || !list.delete(name)) return false;
    if (list.size === 0) this.#lists[kind].delete(vhost);
    this.#definitions.delete(kind, compositeId(vhost, name));
    this.#changed(vhost);
    return true;
  }

  get(kind: PolicyKind, vhost: string, name: string): Policy | undefined {
    return this.#lists[kind].get(vhost)?.get(name);
  }

  /** The policies of every virtual host, or of one; in each from the highest priority to the lowest. */
  *list(kind: PolicyKind, vhost?: string): Generator<Policy, void, undefined> {
    for (const [name, list] of this.#lists[kind]) if (vhost === undefined || vhost === name) yield* list.policies();
  }

  /** The policies that a queue or exchange is under, be it there or not. */
  inEffect(vhost: string, object: PolicyObject): PoliciesInEffect {
    const policy = this.#lists.policy.get(vhost)?.match(object);
    const operatorPolicy = this.#lists["operator-policy"].get(vhost)?.match(object);
    return { policy, operatorPolicy, values: this.#merge(policy, operatorPolicy) };
  }

  /** What the policies for a queue or exchange come to. */
  effective(vhost: string, object: PolicyObject): PolicyValues {
    return this.inEffect(vhost, object).values;
  }

  /** Removes the policies of a virtual host that is deleted. */
  clearVhost(vhost: string): void {
    for (const kind of POLICY_KINDS) {
      for (const { name } of [...this.list(kind, vhost)]) this.delete(kind, vhost, name);
    }
  }

  /** Takes over a stored policy at recovery. @throws InvalidDefinitionError */
  restore(kind: PolicyKind, id: string, value: unknown): void {
    const fields = new StoredFields(kind, id, value);
    const stored = value as Record<keyof PolicySpec, unknown>;
    try {
      this.#insert(kind, validPolicy(kind, fields.string("vhost"), fields.string("name"), stored));
    } catch (error) {
      if (error instanceof BrokerError) fields.fail(error.message);
      throw error;
    }
  }

  /** Runs `action`, and tells of the changes in it only afterwards, once for each virtual host. */
  together(action: () => void): void {
    const changed = new Set<string>();
    this.#postponed = changed;
    try {
      action();
    } finally {
      this.#postponed = undefined;
      for (const vhost of changed) this.onChange(vhost);
    }
  }

  #insert(kind: PolicyKind, policy: Policy): void {
    const lists = this.#lists[kind];
    let list = lists.get(policy.vhost);
    if (list === undefined) {
      list = new PolicyList();
      lists.set(policy.vhost, list);
    }
    list.set(policy);
  }

  #merge(policy: Policy | undefined, operatorPolicy: Policy | undefined): PolicyValues {
    if (policy === undefined || operatorPolicy === undefined)
      return (policy ?? operatorPolicy)?.definition ?? NO_POLICY;
    let byOperator = this.#merged.get(policy);
    if (byOperator === undefined) {
      byOperator = new Map();
      this.#merged.set(policy, byOperator);
    }
    let values = byOperator.get(operatorPolicy);
    if (values === undefined) {
      values = mergePolicies(policy.definition, operatorPolicy.definition);
      byOperator.set(operatorPolicy, values);
    }
    return values;
  }

  #changed(vhost: string): void {
    this.#merged.clear();
    if (this.#postponed === undefined) this.onChange(vhost);
    else this.#postponed.add(vhost);
  }
}

function samePolicy(a: Policy, b: Policy): boolean {
  if (a.pattern !== b.pattern || a.applyTo !== b.applyTo || a.priority !== b.priority) return false;
  if (a.definition.size !== b.definition.size) return false;
  for (const [key, value] of a.definition) if (b.definition.get(key) !== value) return false;
  return true;
}
