import assert from "node:assert/strict";
import { it } from "node:test";
import { commit, contentsOf } from "../contents.ts";
import type { StoreUnderTest } from "./store-under-test.ts";

/** What every store must do: definitions. */
export function definitionRules(subject: StoreUnderTest): void {
  it("puts, replaces and deletes definitions", async () => {
    const long = "é".repeat(2000);
    subject.store.putDefinition("exchange", "a", { type: "direct" });
    subject.store.putDefinition("exchange", "gone", {});
    subject.store.putDefinition("queue", "a", 1);
    subject.store.putDefinition("binding", long, "long");
    subject.store.putDefinition("binding", `${long}2`, "longer");
    subject.store.putDefinition("vhost", "", null);
    await commit(subject.store);
    subject.store.putDefinition("exchange", "a", { type: "topic" });
    subject.store.deleteDefinition("exchange", "gone");
    subject.store.deleteDefinition("binding", long);
    await commit(subject.store);
    await subject.restart();
    const found = contentsOf(subject.store).definitions.map(({ kind, id, value }) => JSON.stringify([kind, id, value]));
    assert.deepEqual(
      found.sort(),
      [
        ["exchange", "a", { type: "topic" }],
        ["queue", "a", 1],
        ["binding", `${long}2`, "longer"],
        ["vhost", "", null],
      ]
        .map((entry) => JSON.stringify(entry))
        .sort(),
    );
  });

  it("takes a definition's value as it is at the call", async () => {
    const value = { durable: true };
    subject.store.putDefinition("queue", "q", value);
    value.durable = false;
    await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).definitions[0]?.value, { durable: true });
  });
}
