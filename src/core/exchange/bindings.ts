import { type FieldTable, tablesEqual } from "../../wire/field-table.ts";
import type { Binding } from "./exchange.ts";
import type { Target } from "./target.ts";

/**
 * The bindings of one source exchange. Two bindings are the same when target, routing key and arguments are equal.
 * Adding and removing one does not depend on how many there are; removing a target's bindings touches only those.
 */
export class Bindings implements Iterable<Binding> {
  /** By target, then by {@link bucketKey}; the bindings in a bucket are told apart by their arguments. */
  readonly #buckets = new Map<Target, Map<string, Binding[]>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** False when an equal binding was there already. */
  add(binding: Binding): boolean {
    let buckets = this.#buckets.get(binding.target);
    if (buckets === undefined) {
      buckets = new Map();
      this.#buckets.set(binding.target, buckets);
    }
    const key = bucketKey(binding);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [binding]);
    else if (indexOfEqual(bucket, binding) !== -1) return false;
    else bucket.push(binding);
    this.#count++;
    return true;
  }

  /** Removes the binding equal to `binding` and returns it; undefined when there is none. */
  remove(binding: Binding): Binding | undefined {
    const buckets = this.#buckets.get(binding.target);
    if (buckets === undefined) return undefined;
    const key = bucketKey(binding);
    const bucket = buckets.get(key);
    if (bucket === undefined) return undefined;
    const index = indexOfEqual(bucket, binding);
    if (index === -1) return undefined;
    const [removed] = bucket.splice(index, 1);
    if (bucket.length === 0) buckets.delete(key);
    if (buckets.size === 0) this.#buckets.delete(binding.target);
    this.#count--;
    return removed;
  }

  /** Removes every binding to `target` and returns them. */
  removeTarget(target: Target): Binding[] {
    const buckets = this.#buckets.get(target);
    if (buckets === undefined) return [];
    this.#buckets.delete(target);
    const removed = [...buckets.values()].flat();
    this.#count -= removed.length;
    return removed;
  }

  *[Symbol.iterator](): Iterator<Binding> {
    for (const buckets of this.#buckets.values()) {
      for (const bucket of buckets.values()) yield* bucket;
    }
  }
}

function indexOfEqual(bucket: readonly Binding[], binding: Binding): number {
  return bucket.findIndex((other) => tablesEqual(other.arguments, binding.arguments));
}

/** The same for equal bindings of one target. Others may share it too, if their arguments hold tables, arrays or the like. */
function bucketKey(binding: Binding): string {
  if (binding.arguments.size === 0) return binding.routingKey;
  return `${binding.routingKey}\0${argumentsDigest(binding.arguments)}`;
}

function argumentsDigest(table: FieldTable): string {
  const parts: string[] = [];
  for (const [name, { type, value }] of table) {
    parts.push(typeof value === "object" ? `${name}=${type}` : `${name}=${type} ${value}`);
  }
  return parts.sort().join("\0");
}
