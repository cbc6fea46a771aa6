import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { silentLogger } from "../../src/lib/logger.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { killScript, SCRIPT_MILLISECONDS_MAX, type ScriptProcess, startScript } from "../support/script-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type Contents, contentsOf } from "./contents.ts";

/** The path of a script of this folder. */
function script(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

function start(context: TestContext, name: string, directory: string): ScriptProcess {
  return startScript(context, script(name), [directory]);
}

async function firstLine(child: ScriptProcess): Promise<string> {
  const [line] = await once(createInterface(child.stdout), "line");
  return line;
}

describe("data directory lock", () => {
  it("refuses another process, naming the directory and the holder, until the holder is killed", async (context) => {
    const directory = temporaryDirectory(context);
    const holder = start(context, "lock-child", directory);
    assert.equal(await firstLine(holder), "open");
    assert.throws(() => openLmdbStore({ directory, logger: silentLogger }), {
      name: "DataDirectoryLockedError",
      message: `data directory ${directory} is in use by process ${holder.pid}`,
      directory,
      holderPid: holder.pid,
    });
    assert.equal(await firstLine(start(context, "lock-child", directory)), `locked by ${holder.pid}`);
    await killScript(holder);
    const store = openLmdbStore({ directory, logger: silentLogger });
    await store.close();
  });

  it("refuses a second store in the same process, and stays with the first", async (context) => {
    const directory = temporaryDirectory(context);
    const store = openLmdbStore({ directory, logger: silentLogger });
    assert.throws(() => openLmdbStore({ directory: `${directory}/.`, logger: silentLogger }), {
      name: "DataDirectoryLockedError",
      holderPid: process.pid,
    });
    assert.equal(await firstLine(start(context, "lock-child", directory)), `locked by ${process.pid}`);
    await store.close();
    assert.equal(await firstLine(start(context, "lock-child", directory)), "open");
  });

  it("is won by exactly one of several that start together", async (context) => {
    const directory = temporaryDirectory(context);
    const children = Array.from({ length: 4 }, () => start(context, "lock-child", directory));
    const lines = await Promise.all(children.map(firstLine));
    assert.equal(lines.filter((line) => line === "open").length, 1, lines.join(", "));
    const winner = children[lines.indexOf("open")]!;
    assert.equal(lines.filter((line) => line === `locked by ${winner.pid}`).length, 3, lines.join(", "));
  });
});

describe("a process killed at any moment", () => {
  it("leaves every commit whole, and none that it reported missing", async (context) => {
    const directory = temporaryDirectory(context);
    let number = 0;
    for (let round = 0; round < 10; round++) {
      const child = start(context, "crash-child", directory);
      let reported = 0;
      createInterface(child.stdout).on("line", (line) => {
        reported = Number(line);
      });
      await once(child.stdout, "data");
      await sleep(5 + round * 6);
      await killScript(child);
      assert.ok(reported > number);
      const store = openLmdbStore({ directory, logger: silentLogger });
      const contents = contentsOf(store);
      number = Number(contents.notes.find(([queueId, key]) => queueId === 0 && key === "replaced")?.[2]);
      assert.ok(number >= reported, `reported ${reported}, found ${number}`);
      assert.deepEqual(
        contents.definitions.map(({ value }) => value),
        Array(4).fill(number),
      );
      for (let queueId = 0; queueId < 4; queueId++) assert.deepEqual(notesOf(contents, queueId), notesAt(number));
      const expected = [number - 2, number - 1, number].filter((first) => first > 0);
      for (let queueId = 0; queueId < 4; queueId++) {
        const chunks = contents.chunks.filter((entry) => entry.queueId === queueId);
        assert.deepEqual(
          chunks.map(({ chunk, settlement }) => [chunk.first, settlement?.persistentCount]),
          expected.map((first) => [first, 0]),
        );
        for (const { chunk } of chunks) {
          assert.ok(store.read(queueId, "durable", chunk).every((octet) => octet === (chunk.first & 0xff)));
        }
      }
      await store.close();
    }
    context.diagnostic(`${number} commits survived ten kills`);
  });
});

/** The notes of a queue: their keys, and the value of the one that is replaced. */
function notesOf({ notes }: Contents, queueId: number): (string | undefined)[] {
  const own = notes.filter(([ownerId]) => ownerId === queueId);
  return [...own.map(([, key]) => key), own.find(([, key]) => key === "replaced")?.[2]];
}

/** What {@link notesOf} gives for the number committed last. */
function notesAt(number: number): string[] {
  const keys = [number - 2, number - 1, number].filter((key) => key > 0).map(String);
  return [...keys.sort(), "replaced", String(number)];
}

/** Runs a command that sees a file system of so many KiB mounted at its first argument. */
const ON_SMALL_DISK = 'mount -t tmpfs -o size="$1"k tmpfs "$2" && shift 2 && exec "$@"';
const mayMount =
  process.platform === "linux" && spawnSync("unshare", ["--map-root-user", "--mount", "true"]).status === 0;

/** Runs a script that may write no file of more than 12 MB, and returns what it prints. */
function runWithSmallFiles(name: string, directory: string): string {
  const limited = 'trap "" XFSZ; ulimit -f 12000; exec "$0" "$@"';
  const child = spawnSync("bash", ["-c", limited, process.execPath, script(name), directory], {
    encoding: "utf8",
    timeout: SCRIPT_MILLISECONDS_MAX,
  });
  assert.equal(child.status, 0, child.stderr);
  return child.stdout;
}

describe("a full disk", { skip: process.platform === "win32" }, () => {
  const skip = !mayMount && "needs a mount namespace";
  it("refuses to open a new directory, with the system's error", { skip }, (context) => {
    const directory = temporaryDirectory(context);
    // Too little for the lock, for LMDB's own files, for the reserve.
    for (const kibibytes of [32, 100, 160, 1000, 2000]) {
      const command = [process.execPath, script("lock-child"), join(directory, "data")];
      const args = ["--map-root-user", "--mount", "sh", "-c", ON_SMALL_DISK, "sh", `${kibibytes}`, directory];
      const { status, signal, stderr } = spawnSync("unshare", [...args, ...command], {
        encoding: "utf8",
        timeout: SCRIPT_MILLISECONDS_MAX,
      });
      assert.deepEqual({ status, signal }, { status: 1, signal: null }, `${kibibytes} KiB: ${stderr}`);
      assert.match(stderr, /ENOSPC: no space left on device/, `${kibibytes} KiB`);
    }
  });

  it("fails commits, which succeed once there is room, without loss", (context) => {
    const directory = temporaryDirectory(context);
    const limited = 'trap "" XFSZ; ulimit -f 12000; exec "$0" "$@"';
    const child = spawnSync("bash", ["-c", limited, process.execPath, script("full-disk-child"), directory], {
      encoding: "utf8",
      timeout: SCRIPT_MILLISECONDS_MAX,
    });
    assert.equal(child.status, 0, child.stderr);
    const { failures, readableBytes, retained, storedCount, noteCount } = JSON.parse(child.stdout);
    assert.deepEqual(failures, ["EFBIG", "EFBIG"]);
    assert.equal(readableBytes, 50_000);
    const store = openLmdbStore({ directory, logger: silentLogger });
    context.after(() => store.close());
    const { chunks, notes } = contentsOf(store);
    assert.equal(chunks.length, storedCount);
    assert.equal(notes.length, noteCount);
    assert.ok(notes.every(([, key, value]) => key === value));
    for (const { queueId, chunk } of chunks) assert.equal(store.read(queueId, "durable", chunk).length, 50_000);
    for (const [index, chunk] of retained.entries())
      assert.equal(store.read(1 + index, "durable", chunk).length, 50_000);
  });

  it("refuses transient chunks, whole commits of them, until others have gone", (context) => {
    const output = runWithSmallFiles("full-transient-file-child", temporaryDirectory(context));
    const { failures, storedCount, missing, damaged, refusedAfterwards } = JSON.parse(output);
    assert.deepEqual(failures, ["EFBIG", "EFBIG"]);
    assert.ok(storedCount >= 100, `${storedCount} chunks of 100,000 octets in 12 MB`);
    assert.equal(missing, 0);
    assert.equal(damaged, 0);
    assert.equal(refusedAfterwards, 0);
  });
});
