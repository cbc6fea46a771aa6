/** What can belong to one connection. */
interface Ownable {
  readonly exclusiveOwner: object | undefined;
}

/** The exclusive queues of a virtual host by the connection that owns them. Queues without an owner are ignored. */
export class ExclusiveQueues<Queue extends Ownable> {
  readonly #queuesByOwner = new Map<object, Set<Queue>>();

  add(queue: Queue): void {
    const owner = queue.exclusiveOwner;
    if (owner === undefined) return;
    const owned = this.#queuesByOwner.get(owner);
    if (owned === undefined) this.#queuesByOwner.set(owner, new Set([queue]));
    else owned.add(queue);
  }

  remove(queue: Queue): void {
    const owner = queue.exclusiveOwner;
    const owned = owner === undefined ? undefined : this.#queuesByOwner.get(owner);
    if (owner === undefined || owned === undefined) return;
    owned.delete(queue);
    if (owned.size === 0) this.#queuesByOwner.delete(owner);
  }

  /** The queues of `owner`; a copy, which stays as it is while queues go. */
  ownedBy(owner: object): Queue[] {
    return [...(this.#queuesByOwner.get(owner) ?? [])];
  }
}
