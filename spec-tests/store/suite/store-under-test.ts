import assert from "node:assert/strict";
import type { Store } from "../../../src/core/ports.ts";

/** Opens one store after another over the same durable state. */
export interface StoreOpener {
  /** Opens the store, as a start of the broker would. The one before has been closed. */
  open(): Store;
  dispose(): Promise<void>;
}

/** The store that a test is about: a new one for each test. */
export class StoreUnderTest {
  readonly #openerOf: () => StoreOpener;
  #opener: StoreOpener | undefined;
  #store: Store | undefined;

  constructor(openerOf: () => StoreOpener) {
    this.#openerOf = openerOf;
  }

  get store(): Store {
    assert(this.#store !== undefined, "a test is running");
    return this.#store;
  }

  begin(): void {
    this.#opener = this.#openerOf();
    this.#store = this.#opener.open();
  }

  /** Closes the store and opens another over what it has made durable. */
  async restart(): Promise<void> {
    await this.store.close();
    this.#store = this.#opener?.open();
  }

  async end(): Promise<void> {
    await this.store.close();
    await this.#opener?.dispose();
  }
}
