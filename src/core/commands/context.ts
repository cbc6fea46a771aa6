import type { Random } from "../../lib/random.ts";
import type { Access } from "../auth/access-pattern.ts";
import type { Permissions } from "../auth/permissions.ts";
import type { User } from "../auth/user.ts";
import type { ResourceKind } from "../names.ts";
import type { Vhost } from "../vhost.ts";

/** On whose behalf, and where, a command runs. */
export interface Actor {
  readonly user: User;
  readonly vhost: Vhost;
  /** What exclusive queues belong to; only its identity matters. */
  readonly connection: object;
}

/** What the operator lets clients declare. */
export interface TopologyLimits {
  /** Most queues in the virtual host; Infinity: no limit. */
  readonly queuesMax: number;
  /** Most exchanges in the virtual host, predeclared ones included; Infinity: no limit. */
  readonly exchangesMax: number;
  /** Whether a queue may be neither durable nor exclusive. */
  readonly transientQueuesPermitted: boolean;
}

export const DEFAULT_TOPOLOGY_LIMITS: TopologyLimits = {
  queuesMax: Number.POSITIVE_INFINITY,
  exchangesMax: Number.POSITIVE_INFINITY,
  transientQueuesPermitted: true,
};

/** What a command works with. */
export interface CommandContext {
  readonly actor: Actor;
  readonly permissions: Permissions;
  readonly random: Random;
  readonly limits: TopologyLimits;
}

/** @throws BrokerError 403 when the actor may not access the queue or exchange that way. */
export function checkAccess(context: CommandContext, kind: ResourceKind, name: string, access: Access): void {
  const { user, vhost } = context.actor;
  context.permissions.checkResource(user.name, vhost.name, kind, name, access);
}

/** The check of a passive declare. @throws BrokerError 403 when the actor has no access of any kind. */
export function checkAnyAccess(context: CommandContext, kind: ResourceKind, name: string): void {
  const { user, vhost } = context.actor;
  context.permissions.checkAnyAccess(user.name, vhost.name, kind, name);
}
