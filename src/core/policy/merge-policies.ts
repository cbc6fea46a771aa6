import type { PolicyValues } from "../policy-values.ts";
import { POLICY_KEYS } from "./policy-keys.ts";

/**
 * What a policy and an operator policy come to together: every key of either, and where both have it the value that
 * RabbitMQ's merge strategy for the key picks. Source: RabbitMQ, "Operator Policies"; `rabbit_policy`.
 */
export function mergePolicies(user: PolicyValues, operator: PolicyValues): PolicyValues {
  const merged = new Map(user);
  for (const [key, operatorValue] of operator) {
    const userValue = user.get(key);
    const merge = POLICY_KEYS.get(key)?.merge;
    merged.set(key, userValue === undefined || merge === undefined ? operatorValue : merge(userValue, operatorValue));
  }
  return merged;
}
