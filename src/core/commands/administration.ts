import type { Permissions } from "../auth/permissions.ts";
import type { User } from "../auth/user.ts";
import type { UserDirectory } from "../auth/user-directory.ts";
import { BrokerError } from "../errors.ts";
import type { PolicyDirectory } from "../policy/policy-directory.ts";
import type { UsageLimits } from "../usage-limits.ts";
import type { Vhost } from "../vhost.ts";

/** The tag of users who may do everything. RabbitMQ: "Management Plugin", section on access and permissions. */
const ADMINISTRATOR_TAG = "administrator";

/** The tag of users who may set the policies of virtual hosts they have access to. */
const POLICYMAKER_TAG = "policymaker";

/** What commands work with that administer the broker rather than use it. */
export interface AdministrationContext {
  /** On whose behalf a command runs. */
  readonly user: User;
  readonly users: UserDirectory;
  readonly permissions: Permissions;
  readonly policies: PolicyDirectory;
  readonly usage: UsageLimits;
  findVhost(name: string): Vhost | undefined;
}

/** @throws BrokerError ACCESS_REFUSED, in the words of RabbitMQ's HTTP API */
export function checkAdministrator({ user }: AdministrationContext): void {
  if (!user.tags.includes(ADMINISTRATOR_TAG)) throw new BrokerError("ACCESS_REFUSED", "Not administrator user");
}

/** @throws BrokerError ACCESS_REFUSED, in the words of RabbitMQ's HTTP API */
export function checkPolicymaker({ user, permissions }: AdministrationContext, vhost: string): void {
  if (user.tags.includes(ADMINISTRATOR_TAG)) return;
  if (user.tags.includes(POLICYMAKER_TAG) && permissions.get(vhost, user.name) !== undefined) return;
  throw new BrokerError("ACCESS_REFUSED", "User not authorised to access object");
}

/** @throws BrokerError NOT_FOUND */
export function requireVhost(context: AdministrationContext, name: string): Vhost {
  const vhost = context.findVhost(name);
  if (vhost === undefined) throw new BrokerError("NOT_FOUND", `virtual host '${name}' does not exist`);
  return vhost;
}

/** @throws BrokerError NOT_FOUND */
export function requireUser(context: AdministrationContext, name: string): User {
  const user = context.users.get(name);
  if (user === undefined) throw new BrokerError("NOT_FOUND", `user '${name}' does not exist`);
  return user;
}
