import type { PolicyValues } from "../policy-values.ts";
import type { QueueType } from "../queue-type.ts";

/** Who sets a policy: a policymaker, or the operator, whose limits a policymaker cannot exceed. */
export type PolicyKind = "policy" | "operator-policy";

export const POLICY_KINDS: readonly PolicyKind[] = ["policy", "operator-policy"];

/** What the policies of a virtual host can be for. RabbitMQ: "Policies", section on apply-to. */
export const APPLY_TO = ["queues", "classic_queues", "quorum_queues", "streams", "exchanges", "all"] as const;

export type ApplyTo = (typeof APPLY_TO)[number];

/** Settings for every queue or exchange of a virtual host whose name fits a pattern. RabbitMQ: "Policies". */
export interface Policy {
  readonly vhost: string;
  /** Unique among the policies of its kind in the virtual host. */
  readonly name: string;
  /** A regular expression, searched for anywhere in the name. */
  readonly pattern: string;
  readonly applyTo: ApplyTo;
  /** Of the policies that fit one object, the one with the highest number is in effect. */
  readonly priority: number;
  /** Never empty. */
  readonly definition: PolicyValues;
}

/** A policy as it comes from outside, not yet checked; undefined: not given. */
export interface PolicySpec {
  readonly pattern: unknown;
  /** An object that JSON can hold. */
  readonly definition: unknown;
  /** Default: 0. */
  readonly priority?: unknown;
  /** Default: "all". */
  readonly applyTo?: unknown;
}

/** What a policy can be for, as policies see it. */
export type PolicyObject =
  | { readonly kind: "queue"; readonly name: string; readonly queueType: QueueType }
  | { readonly kind: "exchange"; readonly name: string };

/** Which policies one queue or exchange is under. */
export interface PoliciesInEffect {
  readonly policy: Policy | undefined;
  readonly operatorPolicy: Policy | undefined;
  /** What the two come to. */
  readonly values: PolicyValues;
}
