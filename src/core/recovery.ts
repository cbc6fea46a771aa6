import type { Permissions } from "./auth/permissions.ts";
import type { UserDirectory } from "./auth/user-directory.ts";
import { StoredFields } from "./definitions.ts";
import type { ChunkDescriptor, ChunkSettlement, DefinitionKind, RecoveryVisitor, Store } from "./ports.ts";
import type { Queue } from "./queue/queue.ts";
import type { Vhost } from "./vhost.ts";

/** Where recovery puts what it finds. */
export interface RecoveryTarget {
  readonly users: UserDirectory;
  readonly permissions: Permissions;
  addVhost(name: string): Vhost;
  vhost(name: string): Vhost | undefined;
  /** Makes known that the queue id is taken. */
  queueRecovered(queue: Queue): void;
}

/** What must be there before the kinds further down refer to it. */
const RESTORE_ORDER: readonly DefinitionKind[] = [
  "vhost",
  "user",
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
 * Brings back all that `store` holds. Chunks of queues that are no more (a crash between dropping a queue and
 * forgetting its messages cannot leave any, but a newer version might) are dropped.
 *
 * @throws InvalidDefinitionError for a definition that cannot be read
 */
export function recover(store: Store, target: RecoveryTarget): void {
  const visitor = new Recovery(target);
  store.recover(visitor);
  visitor.restoreDefinitions();
  for (const queueId of visitor.orphans) store.dropQueue(queueId);
}

class Recovery implements RecoveryVisitor {
  readonly orphans = new Set<number>();
  readonly #target: RecoveryTarget;
  readonly #definitions = new Map<DefinitionKind, Definition[]>();
  #queues: Map<number, Queue> | undefined;

  constructor(target: RecoveryTarget) {
    this.#target = target;
  }

  definition(kind: DefinitionKind, id: string, value: unknown): void {
    const definitions = this.#definitions.get(kind);
    if (definitions === undefined) this.#definitions.set(kind, [{ id, value }]);
    else definitions.push({ id, value });
  }

  delivered(queueId: number, sequence: number): void {
    const queue = this.restoreDefinitions().get(queueId);
    if (queue === undefined) this.orphans.add(queueId);
    else queue.recoverDelivered(sequence);
  }

  chunk(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    const queue = this.restoreDefinitions().get(queueId);
    if (queue === undefined) this.orphans.add(queueId);
    else queue.recoverChunk(chunk, settlement);
  }

  /** Restores the definitions, all of which come before anything else, and returns the queues by id. */
  restoreDefinitions(): Map<number, Queue> {
    if (this.#queues !== undefined) return this.#queues;
    this.#queues = new Map();
    for (const kind of RESTORE_ORDER) {
      for (const { id, value } of this.#definitions.get(kind) ?? []) this.#restore(kind, id, value, this.#queues);
    }
    return this.#queues;
  }

  #restore(kind: DefinitionKind, id: string, value: unknown, queues: Map<number, Queue>): void {
    const { users, permissions } = this.#target;
    switch (kind) {
      case "vhost":
        this.#target.addVhost(new StoredFields(kind, id, value).string("name"));
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
      case "exchange":
        this.#vhostOf(kind, id, value).restoreExchange(id, value);
        break;
      case "queue": {
        const queue = this.#vhostOf(kind, id, value).restoreQueue(id, value);
        queues.set(queue.id, queue);
        this.#target.queueRecovered(queue);
        break;
      }
      case "binding":
        this.#vhostOf(kind, id, value).restoreBinding(id, value);
        break;
    }
  }

  #vhostOf(kind: DefinitionKind, id: string, value: unknown): Vhost {
    const fields = new StoredFields(kind, id, value);
    return this.#target.vhost(fields.string("vhost")) ?? fields.fail("its virtual host is not there");
  }
}
