import assert from "node:assert/strict";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { FLUSHING_FLAGS, FlushedWriter } from "../../src/store/flushed-writer.ts";
import { WaitDecision } from "../../src/store/wait-decision.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** Always the same. */
class Decided extends WaitDecision {
  readonly #waits: boolean;

  constructor(waits: boolean) {
    super();
    this.#waits = waits;
  }

  override waitsFor(): boolean {
    return this.#waits;
  }
}

function open(test: TestContext, waits: boolean, mode: number): { path: string; writer: FlushedWriter } {
  const path = join(temporaryDirectory(test), "file");
  closeSync(openSync(path, "w"));
  const fd = openSync(path, mode | FLUSHING_FLAGS);
  test.after(() => closeSync(fd));
  return { path, writer: new FlushedWriter(fd, new Decided(waits)) };
}

function write(writer: FlushedWriter, text: string, position: number): Promise<Error | undefined> {
  let isLater = false;
  const written = new Promise<Error | undefined>((resolve) => {
    writer.write(Buffer.from(text), position, (error) => {
      assert.equal(isLater, true, "it calls back later");
      resolve(error);
    });
  });
  isLater = true;
  return written;
}

for (const waits of [true, false]) {
  describe(`a flushed write ${waits ? "that the event loop waits for" : "by a thread"}`, () => {
    it("is in the file when it is reported", async (test) => {
      const { path, writer } = open(test, waits, constants.O_RDWR);
      assert.equal(await write(writer, "one two", 0), undefined);
      assert.equal(await write(writer, "TWO", 4), undefined);
      assert.equal(readFileSync(path, "latin1"), "one TWO");
    });

    it("reports the system's error", async (test) => {
      const { writer } = open(test, waits, constants.O_RDONLY);
      const error = await write(writer, "one", 0);
      assert.equal((error as NodeJS.ErrnoException).code, "EBADF");
    });
  });
}
