import type { Permissions } from "../../auth/permissions.ts";
import type { UserDirectory } from "../../auth/user-directory.ts";
import type { PolicyDirectory } from "../../policy/policy-directory.ts";
import type { UsageLimits } from "../../usage-limits.ts";
import type { Vhost } from "../../vhost.ts";
import type { VhostMetadata } from "../../vhost-metadata.ts";

/** A broker as far as definitions are concerned. */
export interface DefinitionsBroker {
  readonly users: UserDirectory;
  readonly permissions: Permissions;
  readonly policies: PolicyDirectory;
  readonly usage: UsageLimits;
  readonly vhosts: Iterable<Vhost>;
  findVhost(name: string): Vhost | undefined;
  createVhost(name: string, metadata: VhostMetadata): Vhost;
  updateVhost(vhost: Vhost, metadata: VhostMetadata): void;
  deleteVhost(vhost: Vhost): void;
}
