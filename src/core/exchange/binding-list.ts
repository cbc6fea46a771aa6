import { assert } from "../../lib/assert.ts";
import type { Binding } from "./exchange.ts";

/** Bindings that are picked by number: from 0, without gaps, in no lasting order. */
export class BindingList {
  readonly #bindings: Binding[] = [];
  readonly #indexes = new Map<Binding, number>();

  get count(): number {
    return this.#bindings.length;
  }

  at(index: number): Binding {
    const binding = this.#bindings[index];
    assert(binding !== undefined, "the number of a binding is less than their count");
    return binding;
  }

  add(binding: Binding): void {
    this.#indexes.set(binding, this.#bindings.length);
    this.#bindings.push(binding);
  }

  /** Takes back the {@link add} of this very binding; the last one gets its number. */
  remove(binding: Binding): void {
    const index = this.#indexes.get(binding);
    assert(index !== undefined, "a binding is removed once");
    this.#indexes.delete(binding);
    const last = this.#bindings.pop();
    if (last === undefined || last === binding) return;
    this.#bindings[index] = last;
    this.#indexes.set(last, index);
  }
}
