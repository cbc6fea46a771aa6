import { BrokerError } from "../errors.ts";
import { type AdministrationContext, requireVhost } from "./administration.ts";
import { checkPolicyAccess, type PolicyName } from "./set-policy.ts";

/**
 * Removes a policy; what was under it acts without it at once.
 *
 * @throws BrokerError 403 for a user who may not; 404 without the virtual host or the policy
 */
export function deletePolicy(context: AdministrationContext, { kind, vhost, name }: PolicyName): void {
  checkPolicyAccess(context, kind, vhost);
  requireVhost(context, vhost);
  if (!context.policies.delete(kind, vhost, name)) throw new BrokerError("NOT_FOUND", "Parameter does not exist");
}
