import assert from "node:assert/strict";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { FileReserve } from "../../src/store/file-reserve.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/waiting.ts";

const MEBIBYTE = 1024 * 1024;

/** A file of which `use.bytes` octets are in use, and its reserve. */
function reserveIn(context: TestContext): { path: string; use: { bytes: number }; reserve: FileReserve } {
  const path = join(temporaryDirectory(context), "file");
  writeFileSync(path, Buffer.alloc(8192));
  const use = { bytes: 8192 };
  const reserve = new FileReserve(path, { usedBytes: () => use.bytes, reusableBytes: () => 0 });
  return { path, use, reserve };
}

function need(bytes: number, isGrowth = true): Parameters<FileReserve["ensure"]>[0] {
  return { bytes, isGrowth, tightBytes: () => bytes };
}

describe("file reserve", () => {
  it("keeps a commit waiting until there is room for it, and for those that remove", async (context) => {
    const { path, reserve } = reserveIn(context);
    context.after(() => reserve.close());
    await reserve.ensure(need(10 * MEBIBYTE));
    assert.ok(statSync(path).size >= 8192 + 12 * MEBIBYTE);
  });

  it("grows beside commits that find their room, so that none waits", async (context) => {
    const { path, use, reserve } = reserveIn(context);
    context.after(() => reserve.close());
    await reserve.ensure(need(MEBIBYTE));
    for (let commit = 0; commit < 40; commit++) {
      await eventually("the file grows", () => statSync(path).size > use.bytes + 8 * MEBIBYTE);
      assert.equal(reserve.ensure(need(MEBIBYTE)), undefined);
      use.bytes += MEBIBYTE;
    }
    assert.ok(statSync(path).size < use.bytes + 2 * MEBIBYTE + 17 * MEBIBYTE);
  });

  it("does not grow for commits that remove", async (context) => {
    const { path, reserve } = reserveIn(context);
    reserve.prepare();
    const before = statSync(path).size;
    for (let commit = 0; commit < 20; commit++) assert.equal(reserve.ensure(need(MEBIBYTE, false)), undefined);
    await reserve.close();
    assert.equal(statSync(path).size, before);
  });

  it("leaves alone what has been written beyond the end it knows of", async (context) => {
    const { path, use, reserve } = reserveIn(context);
    context.after(() => reserve.close());
    // On a full disk a commit may go on without its room; if there is some again meanwhile, LMDB makes the file longer.
    const written = Buffer.alloc(MEBIBYTE, 1);
    appendFileSync(path, written);
    use.bytes += MEBIBYTE;
    await reserve.ensure(need(MEBIBYTE));
    const left = readFileSync(path).subarray(8192, 8192 + MEBIBYTE);
    assert.equal(left.compare(written), 0);
    assert.ok(statSync(path).size >= use.bytes + 3 * MEBIBYTE);
  });

  it("stops growing when it is closed", async (context) => {
    const { path, reserve } = reserveIn(context);
    await reserve.ensure(need(MEBIBYTE));
    await reserve.close();
    const { size } = statSync(path);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(statSync(path).size, size);
  });
});
