import type { PolicyKind, PolicySpec } from "../policy/policy.ts";
import { type AdministrationContext, checkAdministrator, checkPolicymaker, requireVhost } from "./administration.ts";

/** A policy by its name. */
export interface PolicyName {
  readonly kind: PolicyKind;
  readonly vhost: string;
  readonly name: string;
}

/**
 * Adds a policy or replaces the one of that name; what is there acts by it at once.
 *
 * @returns false when there was one before
 * @throws BrokerError 403 for a user who may not; 404 without the virtual host; 406, in RabbitMQ's words, for what is
 *   no policy
 */
export function setPolicy(
  context: AdministrationContext,
  { kind, vhost, name }: PolicyName,
  spec: PolicySpec,
): boolean {
  checkPolicyAccess(context, kind, vhost);
  requireVhost(context, vhost);
  const isNew = context.policies.get(kind, vhost, name) === undefined;
  context.policies.set(kind, vhost, name, spec);
  return isNew;
}

/** Policies are for policymakers and administrators, operator policies for administrators. @throws BrokerError 403 */
export function checkPolicyAccess(context: AdministrationContext, kind: PolicyKind, vhost: string): void {
  if (kind === "policy") checkPolicymaker(context, vhost);
  else checkAdministrator(context);
}
