import assert from "node:assert/strict";
import { it } from "node:test";
import { appendChunk, commit, contentsOf } from "../contents.ts";
import type { StoreUnderTest } from "./store-under-test.ts";

/** What every store must do: commits, and closing. */
export function commitRules(subject: StoreUnderTest): void {
  it("leaves out of a commit what is called after it", async () => {
    const a = appendChunk(subject.store, 1, 1, 1);
    const committed = commit(subject.store);
    const b = appendChunk(subject.store, 1, 2, 1);
    subject.store.remove(1, "durable", a);
    await committed;
    assert.equal(subject.store.read(1, "durable", a).length, 10);
    assert.throws(() => subject.store.read(1, "durable", b), /no durable chunk/);
    await commit(subject.store);
    assert.equal(subject.store.read(1, "durable", b).length, 10);
    assert.throws(() => subject.store.read(1, "durable", a), /no durable chunk/);
  });

  it("reports a commit later, never within the call, and with nothing to write too", async () => {
    let returned = false;
    await new Promise<void>((resolve) => {
      subject.store.commit((error) => {
        assert.equal(error, undefined);
        assert.equal(returned, true);
        resolve();
      });
      returned = true;
    });
  });

  it("allows the next commit from within the report of one", async () => {
    appendChunk(subject.store, 1, 1, 1);
    await new Promise<void>((resolve, reject) => {
      subject.store.commit(() => {
        appendChunk(subject.store, 1, 2, 1);
        subject.store.commit((error) => (error === undefined ? resolve() : reject(error)));
      });
    });
    await subject.restart();
    assert.equal(contentsOf(subject.store).chunks.length, 2);
  });

  it("refuses a second commit while one is in flight", async () => {
    const committed = commit(subject.store);
    assert.throws(() => subject.store.commit(() => {}), /at most one commit/);
    await committed;
  });

  it("waits with closing for the commit in flight, and drops what came after it", async () => {
    appendChunk(subject.store, 1, 1, 1);
    const committed = commit(subject.store);
    appendChunk(subject.store, 1, 2, 1);
    await subject.restart();
    await committed;
    assert.deepEqual(
      contentsOf(subject.store).chunks.map(({ chunk }) => chunk.first),
      [1],
    );
  });
}
