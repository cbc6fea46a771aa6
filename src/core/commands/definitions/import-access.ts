import { verifyPassword } from "../../auth/password.ts";
import type { Permission } from "../../auth/permissions.ts";
import type { TopicPermission } from "../../auth/topic-permissions.ts";
import type { User } from "../../auth/user.ts";
import type { DefinitionsBroker } from "./definitions-broker.ts";
import type { DefinedUser } from "./definitions-document.ts";

/** Creates or replaces a user, unless it is the same already: then its password need not be hashed anew. */
export function importUser({ users, usage }: DefinitionsBroker, defined: DefinedUser): void {
  const { name, credentials, tags, limits } = defined;
  const existing = users.get(name);
  if (existing === undefined || !isSameUser(existing, defined)) users.put(name, credentials, tags);
  usage.users.update(name, limits);
}

function isSameUser(user: User, { credentials, tags }: DefinedUser): boolean {
  if (user.tags.length !== tags.length || !user.tags.every((tag, index) => tag === tags[index])) return false;
  if (credentials === undefined) return user.passwordHash === "";
  if ("password" in credentials) return verifyPassword(credentials.password, user.passwordHash, user.hashingAlgorithm);
  const { passwordHash, hashingAlgorithm } = credentials;
  return user.passwordHash === passwordHash && user.hashingAlgorithm === hashingAlgorithm;
}

export function importPermission({ permissions }: DefinitionsBroker, permission: Permission): void {
  const existing = permissions.get(permission.vhost, permission.user);
  const { configure, write, read } = permission;
  if (existing?.configure === configure && existing.write === write && existing.read === read) return;
  permissions.set(permission);
}

export function importTopicPermission({ permissions }: DefinitionsBroker, permission: TopicPermission): void {
  const { vhost, user, exchange, write, read } = permission;
  const existing = permissions.topics.get(vhost, user, exchange);
  if (existing?.write === write && existing.read === read) return;
  permissions.topics.set(permission);
}
