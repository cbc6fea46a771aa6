import assert from "node:assert/strict";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { EPOCH_BYTES, Journal, RECORD_HEAD_BYTES } from "../../src/store/journal.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const CAPACITY_BYTES = 600_000;
const EPOCH = Buffer.alloc(EPOCH_BYTES, 1);
const NEXT_EPOCH = Buffer.alloc(EPOCH_BYTES, 2);

class JournalUnderTest {
  readonly path: string;
  journal: Journal;
  /** Payloads found when it was opened last. */
  found: string[] = [];

  constructor(test: TestContext) {
    this.path = join(temporaryDirectory(test), "journal");
    this.journal = new Journal(this.path, CAPACITY_BYTES);
    test.after(() => this.journal.close());
  }

  append(payload: string | Buffer): Promise<void> {
    const record = Buffer.concat([Buffer.alloc(RECORD_HEAD_BYTES), Buffer.from(payload as string)]);
    return new Promise((resolve, reject) => {
      this.journal.append(record, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Opens the file as a start does, and returns the payloads of an epoch. */
  reopen(epoch = EPOCH): string[] {
    this.journal.close();
    this.journal = new Journal(this.path, CAPACITY_BYTES);
    this.found = [];
    this.journal.resume(epoch, (payload) => this.found.push(payload.toString()));
    return this.found;
  }

  /** Changes an octet of the file. */
  damage(position: number): void {
    const octets = readFileSync(this.path);
    octets[position] = (octets[position] as number) ^ 1;
    writeFileSync(this.path, octets);
  }
}

describe("journal", () => {
  it("hands over the records of its epoch, in order, and goes on behind them", async (test) => {
    const subject = new JournalUnderTest(test);
    subject.journal.restart(EPOCH);
    await subject.append("one");
    await subject.append("");
    assert.deepEqual(subject.reopen(), ["one", ""]);
    await subject.append("three");
    assert.deepEqual(subject.reopen(), ["one", "", "three"]);
    assert.equal(subject.journal.isEmpty, false);
  });

  it("has no records in an epoch that is not its own, and nothing can be written before the epoch is known", async (test) => {
    const subject = new JournalUnderTest(test);
    assert.equal(subject.journal.hasRoomFor(1), false);
    subject.journal.restart(EPOCH);
    await subject.append("one");
    assert.deepEqual(subject.reopen(NEXT_EPOCH), []);
    assert.equal(subject.journal.isEmpty, true);
    assert.equal(subject.journal.hasRoomFor(CAPACITY_BYTES), true);
    assert.equal(subject.journal.hasRoomFor(CAPACITY_BYTES + 1), false);
  });

  it("begins at the beginning in a new epoch, and ends before what an earlier one has left", async (test) => {
    const subject = new JournalUnderTest(test);
    subject.journal.restart(EPOCH);
    for (const payload of ["one", "two", "six"]) await subject.append(payload);
    subject.journal.restart(NEXT_EPOCH);
    await subject.append("new");
    assert.deepEqual(subject.reopen(NEXT_EPOCH), ["new"]);
    assert.deepEqual(subject.reopen(EPOCH), []);
  });

  it("ends before a record that is cut off, or damaged anywhere, and the next takes its place", async (test) => {
    const recordBytes = RECORD_HEAD_BYTES + 3;
    for (let position = recordBytes; position < 2 * recordBytes; position++) {
      const subject = new JournalUnderTest(test);
      subject.journal.restart(EPOCH);
      for (const payload of ["one", "two", "six"]) await subject.append(payload);
      subject.damage(position);
      assert.deepEqual(subject.reopen(), ["one"], `octet ${position}`);
      await subject.append("new");
      // The third is there still, whole, but was not written behind this one.
      assert.deepEqual(subject.reopen(), ["one", "new"]);
    }
    const subject = new JournalUnderTest(test);
    subject.journal.restart(EPOCH);
    for (const payload of ["one", "two"]) await subject.append(payload);
    for (let length = 2 * recordBytes - 1; length >= recordBytes; length--) {
      truncateSync(subject.path, length);
      assert.deepEqual(subject.reopen(), ["one"], `${length} octets`);
    }
  });

  it("takes records up to its capacity, and the file is no longer than that", async (test) => {
    const subject = new JournalUnderTest(test);
    subject.journal.restart(EPOCH);
    const payload = Buffer.alloc(100_000 - RECORD_HEAD_BYTES, "x");
    for (let count = 0; count < 6; count++) {
      assert.equal(subject.journal.hasRoomFor(100_000), true);
      await subject.append(payload);
    }
    assert.equal(subject.journal.hasRoomFor(RECORD_HEAD_BYTES), false);
    assert.equal(statSync(subject.path).size, CAPACITY_BYTES);
    assert.equal(subject.reopen().length, 6);
  });

  it("reports what the system says when it cannot be written, and has no such record", {
    skip: process.platform !== "linux" && "needs /dev/full",
  }, async (test) => {
    const journal = new Journal("/dev/full", CAPACITY_BYTES);
    test.after(() => journal.close());
    journal.restart(EPOCH);
    const error = await new Promise<Error | undefined>((resolve) => {
      journal.append(Buffer.alloc(RECORD_HEAD_BYTES), resolve);
    });
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    assert.equal(journal.isEmpty, true);
  });
});
