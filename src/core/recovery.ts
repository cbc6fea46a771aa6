import type { Permissions } from "./auth/permissions.ts";
import type { UserDirectory } from "./auth/user-directory.ts";
import { StoredFields } from "./definitions.ts";
import type { PolicyDirectory } from "./policy/policy-directory.ts";
import type { ChunkDescriptor, ChunkSettlement, DefinitionKind, RecoveryVisitor, Store } from "./ports.ts";
import type { StoreOwner } from "./store-owner.ts";
import type { UsageLimits } from "./usage-limits.ts";
import type { Vhost } from "./vhost.ts";
import { type VhostMetadata, vhostFromDefinition } from "./vhost-metadata.ts";

/** Where recovery puts what it finds. */
export interface RecoveryTarget {
  readonly users: UserDirectory;
  readonly permissions: Permissions;
  readonly policies: PolicyDirectory;
  readonly usage: UsageLimits;
  addVhost(name: string, metadata: VhostMetadata): Vhost;
  vhost(name: string): Vhost | undefined;
  /** Makes known that a queue or exchange has the id. */
  idTaken(id: number): void;
}

/** What must be there before the kinds further down refer to it. */
const RESTORE_ORDER: readonly DefinitionKind[] = [
  "policy",
  "operator-policy",
  "vhost",
  "vhost-limits",
  "user",
  "user-limits",
  "permission",
  "topic-permission",
  "exchange",
  "queue",
  "binding",
];

interface Definition {
  readonly id: string;
  readonly value: unknown;
}

/**
 * Brings back all that `store` holds. Chunks and notes of owners that are no more (a crash between dropping a queue and
 * forgetting its messages cannot leave any, but a newer version might) are dropped.
 *
 * @throws InvalidDefinitionError for a definition that cannot be read
 */
export function recover(store: Store, target: RecoveryTarget): void {
  const visitor = new Recovery(target);
  store.recover(visitor);
  visitor.restoreDefinitions();
  for (const ownerId of visitor.orphans) store.dropQueue(ownerId);
}

class Recovery implements RecoveryVisitor {
  readonly orphans = new Set<number>();
  readonly #target: RecoveryTarget;
  readonly #definitions = new Map<DefinitionKind, Definition[]>();
  #owners: Map<number, StoreOwner> | undefined;

  constructor(target: RecoveryTarget) {
    this.#target = target;
  }

  definition(kind: DefinitionKind, id: string, value: unknown): void {
    const definitions = this.#definitions.get(kind);
    if (definitions === undefined) this.#definitions.set(kind, [{ id, value }]);
    else definitions.push({ id, value });
  }

  note(ownerId: number, key: Uint8Array, value: Uint8Array): void {
    const owner = this.restoreDefinitions().get(ownerId);
    if (owner === undefined) this.orphans.add(ownerId);
    else owner.recoverNote(key, value);
  }

  chunk(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    const owner = this.restoreDefinitions().get(queueId);
    if (owner === undefined) this.orphans.add(queueId);
    else owner.recoverChunk(chunk, settlement);
  }

  /** Restores the definitions, all of which come before anything else, and returns by id who owns the rest. */
  restoreDefinitions(): Map<number, StoreOwner> {
    if (this.#owners !== undefined) return this.#owners;
    this.#owners = new Map();
    this.#takeIds();
    for (const kind of RESTORE_ORDER) {
      for (const { id, value } of this.#definitions.get(kind) ?? []) this.#restore(kind, id, value, this.#owners);
    }
    return this.#owners;
  }

  /** Before anything is restored: an exchange that was stored without an id gets one then that nobody else has. */
  #takeIds(): void {
    for (const kind of ["exchange", "queue"] as const) {
      for (const { value } of this.#definitions.get(kind) ?? []) {
        const { queueId, exchangeId } = value as { queueId?: unknown; exchangeId?: unknown };
        for (const id of [queueId, exchangeId]) if (typeof id === "number") this.#target.idTaken(id);
      }
    }
  }

  #restore(kind: DefinitionKind, id: string, value: unknown, owners: Map<number, StoreOwner>): void {
    const { users, permissions, policies, usage } = this.#target;
    switch (kind) {
      case "policy":
      case "operator-policy":
        policies.restore(kind, id, value);
        break;
      case "vhost": {
        const { name, metadata } = vhostFromDefinition(id, value);
        this.#target.addVhost(name, metadata);
        break;
      }
      case "vhost-limits":
        usage.vhosts.restore(id, value);
        break;
      case "user-limits":
        usage.users.restore(id, value);
        break;
      case "user":
        users.restore(id, value);
        break;
      case "permission":
        permissions.restore(id, value);
        break;
      case "topic-permission":
        permissions.topics.restore(id, value);
        break;
      case "exchange": {
        const { stored } = this.#vhostOf(kind, id, value).restoreExchange(id, value);
        if (stored !== undefined) this.#addOwner(stored, owners);
        break;
      }
      case "queue":
        this.#addOwner(this.#vhostOf(kind, id, value).restoreQueue(id, value), owners);
        break;
      case "binding":
        this.#vhostOf(kind, id, value).restoreBinding(id, value);
        break;
    }
  }

  #addOwner(owner: StoreOwner, owners: Map<number, StoreOwner>): void {
    owners.set(owner.id, owner);
  }

  #vhostOf(kind: DefinitionKind, id: string, value: unknown): Vhost {
    const fields = new StoredFields(kind, id, value);
    return this.#target.vhost(fields.string("vhost")) ?? fields.fail("its virtual host is not there");
  }
}
