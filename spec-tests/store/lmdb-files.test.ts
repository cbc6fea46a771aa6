import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { ChunkDescriptor } from "../../src/core/ports.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { StoreFormatError } from "../../src/store/errors.ts";
import { chunkKey, queueKey } from "../../src/store/key-layout.ts";
import { LmdbEnvironment } from "../../src/store/lmdb-environment.ts";
import { type LmdbStore, openLmdbStore } from "../../src/store/lmdb-store.ts";
import { DURABLE_DATABASES, type DurableEnvironment } from "../../src/store/write-changes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { appendChunk, chunkOf, commit, contentsOf, deleteNote, putNote, settlementOf } from "./contents.ts";

function openIn(directory: string): LmdbStore {
  return openLmdbStore({ directory, logger: silentLogger });
}

function openDurable(directory: string): DurableEnvironment {
  return new LmdbEnvironment({
    directory: join(directory, "durable"),
    databaseNames: DURABLE_DATABASES,
    logger: silentLogger,
  });
}

/** Changes a durable database behind the store's back. */
async function tamper(
  directory: string,
  database: (typeof DURABLE_DATABASES)[number],
  key: Buffer,
  value: Buffer | undefined,
): Promise<void> {
  const environment = openDurable(directory);
  if (value === undefined) environment.database(database).removeSync(key);
  else environment.database(database).putSync(key, value);
  await environment.close();
}

async function directoryWithOneChunk(context: TestContext): Promise<string> {
  const directory = temporaryDirectory(context);
  const store = openIn(directory);
  appendChunk(store, 1, 0, 5);
  await commit(store);
  await store.close();
  return directory;
}

describe("LMDB files", () => {
  it("are the owner's only", { skip: process.platform === "win32" }, async (context) => {
    const directory = temporaryDirectory(context);
    const store = openIn(directory);
    context.after(() => store.close());
    for (const name of ["durable", "durable/data.mdb", "journal", "transient", "lock"]) {
      assert.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
    }
  });

  it("of a newer format are refused, and left as they are", async (context) => {
    const directory = await directoryWithOneChunk(context);
    await tamper(directory, "meta", Buffer.from("formatVersion"), Buffer.from("5"));
    for (let attempt = 0; attempt < 2; attempt++) {
      assert.throws(() => openIn(directory), {
        name: "StoreFormatError",
        message: "the data directory has format 5, written by a newer version; this one knows up to 4",
      });
    }
    await tamper(directory, "meta", Buffer.from("formatVersion"), Buffer.from("4"));
    const store = openIn(directory);
    assert.equal(contentsOf(store).chunks.length, 1);
    await store.close();
  });

  it("of format 1, without notes, are opened, and what was delivered becomes notes", async (context) => {
    const directory = temporaryDirectory(context);
    const { chunk, value } = chunkOf(0, 5);
    const old = new LmdbEnvironment({
      directory: join(directory, "durable"),
      databaseNames: ["definitions", "chunks", "settlements", "delivered", "dropped", "meta"],
      logger: silentLogger,
    });
    old.database("meta").putSync(Buffer.from("formatVersion"), Buffer.from("1"));
    old.database("chunks").putSync(chunkKey(1, chunk), value);
    old.database("delivered").putSync(queueKey(1), Buffer.from("000000000000002a", "hex"));
    await old.close();
    let store = openIn(directory);
    assert.deepEqual(contentsOf(store).chunks, [{ queueId: 1, chunk, settlement: undefined }]);
    putNote(store, 1, "key", "value");
    await commit(store);
    await store.close();
    store = openIn(directory);
    assert.deepEqual(contentsOf(store).notes, [
      [1, "\x01\0", "\0\0\0\0\0\0\0*"],
      [1, "key", "value"],
    ]);
    assert.equal(store.read(1, "durable", chunk).compare(value), 0);
    await store.close();
    const environment = openDurable(directory);
    assert.equal(environment.database("meta").get(Buffer.from("formatVersion"))?.toString(), "4");
    assert.equal(environment.database("delivered").getKeysCount(), 0);
    await environment.close();
  });

  it("stay as they are when a note is put and deleted again in one commit", async (context) => {
    const directory = await directoryWithOneChunk(context);
    const store = openIn(directory);
    context.after(() => store.close());
    const files = [join(directory, "durable", "data.mdb"), join(directory, "journal")];
    const contents = (): Buffer => Buffer.concat(files.map((file) => readFileSync(file)));
    const before = contents();
    putNote(store, 1, "short-lived", "1");
    deleteNote(store, 1, "short-lived");
    await commit(store);
    assert.equal(contents().compare(before), 0);
    putNote(store, 1, "kept", "1");
    await commit(store);
    assert.notEqual(contents().compare(before), 0);
  });

  it("are written when the journal cannot be, as on a full disk", {
    skip: process.platform !== "linux" && "needs /dev/full",
  }, async (context) => {
    const directory = temporaryDirectory(context);
    symlinkSync("/dev/full", join(directory, "journal"));
    let store = openIn(directory);
    const chunks = [];
    for (let first = 0; first < 3; first++) {
      chunks.push(appendChunk(store, 1, first, 1));
      await commit(store);
    }
    await store.close();
    store = openIn(directory);
    context.after(() => store.close());
    assert.deepEqual(
      contentsOf(store).chunks.map(({ chunk }) => chunk),
      chunks,
    );
  });

  it("with a senseless journal are refused, and with one of another time opened without it", async (context) => {
    const directory = await directoryWithOneChunk(context);
    writeFileSync(join(directory, "journal"), Buffer.alloc(3_000_000, 1));
    const store = openIn(directory);
    assert.equal(contentsOf(store).chunks.length, 1);
    await store.close();
    await tamper(directory, "meta", Buffer.from("journalEpoch"), Buffer.from("short"));
    assert.throws(() => openIn(directory), /malformed journal epoch in the store/);
  });

  it("without a format version, or a senseless one, are refused", async (context) => {
    const directory = await directoryWithOneChunk(context);
    await tamper(directory, "meta", Buffer.from("formatVersion"), Buffer.from("one"));
    assert.throws(() => openIn(directory), /unknown format version "one"/);
    await tamper(directory, "meta", Buffer.from("formatVersion"), undefined);
    assert.throws(() => openIn(directory), /no format version/);
  });

  it("that are no LMDB files are refused", async (context) => {
    const directory = await directoryWithOneChunk(context);
    writeFileSync(join(directory, "durable", "data.mdb"), Buffer.alloc(100_000, 7));
    assert.throws(() => openIn(directory), /data\.mdb is damaged or not a file of this store/);
    writeFileSync(join(directory, "durable", "data.mdb"), "short");
    assert.throws(() => openIn(directory), StoreFormatError);
    writeFileSync(join(directory, "durable", "data.mdb"), "");
    writeFileSync(join(directory, "lock", "data.mdb"), Buffer.alloc(8192));
    const store = openIn(directory);
    assert.deepEqual(contentsOf(store).chunks, []);
    await store.close();
  });

  it("that cannot be opened are reported as the system does", async (context) => {
    const directory = await directoryWithOneChunk(context);
    rmSync(join(directory, "durable", "data.mdb"));
    mkdirSync(join(directory, "durable", "data.mdb"));
    assert.throws(() => openIn(directory), { code: "EISDIR" });
  });

  it("with malformed keys or values are refused at recovery", async (context) => {
    const { chunk } = chunkOf(0, 5);
    const cases: [database: (typeof DURABLE_DATABASES)[number], key: Buffer, value: Buffer, error: RegExp][] = [
      ["chunks", Buffer.alloc(31, 1), Buffer.of(1), /malformed chunk key in the store: 0x0101/],
      ["chunks", Buffer.alloc(32), Buffer.of(1), /malformed chunk key/],
      ["chunks", Buffer.alloc(32, 0xff), Buffer.of(1), /number out of range/],
      ["chunks", chunkKeyOverlapping(), Buffer.of(1), /chunks overlap at message 4 of queue 1/],
      ["settlements", Buffer.from("000000010000000000000000", "hex"), Buffer.alloc(12), /malformed settlement/],
      ["settlements", Buffer.from("00000001", "hex"), Buffer.alloc(13), /malformed settlement key/],
      ["notes", Buffer.from("00000001", "hex"), Buffer.of(1), /malformed note key/],
      ["notes", Buffer.alloc(4 + 65, 1), Buffer.of(1), /malformed note key/],
      ["notes", Buffer.of(1), Buffer.of(1), /malformed queue key/],
      ["definitions", Buffer.of(99, 0, 65), Buffer.from("{}"), /malformed definition key/],
      ["definitions", Buffer.of(1, 0, 65), Buffer.from("{"), /not JSON/],
    ];
    for (const [database, key, value, error] of cases) {
      const directory = await directoryWithOneChunk(context);
      await tamper(directory, database, key, value);
      const store = openIn(directory);
      assert.throws(
        () => contentsOf(store),
        (thrown) => thrown instanceof StoreFormatError && error.test(thrown.message),
        `${database} ${key.toString("hex")}`,
      );
      assert.equal(store.read(1, "durable", chunk).length, 50);
      await store.close();
    }
  });

  it("do not grow while as much is removed as is appended, reads in between or not", async (context) => {
    const directory = temporaryDirectory(context);
    const store = openIn(directory);
    context.after(() => store.close());
    const live: { queueId: number; chunk: ChunkDescriptor }[] = [];
    let sizeHalfway = 0;
    for (let number = 0; number < 800; number++) {
      const chunk = appendChunk(store, number % 3, number, 1, 30_000 + ((number * 7919) % 90_000));
      live.push({ queueId: number % 3, chunk });
      store.settle(number % 3, chunk, settlementOf(chunk, 0));
      if (live.length > 20) {
        const oldest = live.shift()!;
        assert.equal(store.read(oldest.queueId, "durable", oldest.chunk).length, oldest.chunk.recordBytes);
        store.remove(oldest.queueId, "durable", oldest.chunk);
      }
      await commit(store);
      if (number === 400) sizeHalfway = statSync(join(directory, "durable", "data.mdb")).size;
    }
    const size = statSync(join(directory, "durable", "data.mdb")).size;
    const liveBytes = live.reduce((sum, { chunk }) => sum + chunk.recordBytes, 0);
    context.diagnostic(`${liveBytes} octets stored in ${size}, after 400 commits ${sizeHalfway}`);
    // 60 MB have been written. The reserve has up to 18 MiB.
    assert.ok(size < 4 * liveBytes + 18 * 1024 * 1024, `${liveBytes} octets stored in ${size}`);
  });

  it("give back the room of a dropped queue over the commits that follow", async (context) => {
    const directory = temporaryDirectory(context);
    const store = openIn(directory);
    context.after(() => store.close());
    const sizes: number[] = [];
    for (let round = 0; round < 16; round++) {
      for (let first = 0; first < 600; first++) appendChunk(store, round, first, 1, 9000);
      await commit(store);
      store.dropQueue(round);
      for (let turn = 0; turn < 4; turn++) await commit(store);
      sizes.push(statSync(join(directory, "durable", "data.mdb")).size);
    }
    context.diagnostic(`octets after dropping each of sixteen queues: ${sizes.join(", ")}`);
    // 65 MB have been written in between. Up to 18 MiB are the reserve, which grows beside the commits.
    assert.ok(sizes[15]! - sizes[3]! <= 22 * 1024 * 1024);
  });

  it("are read at start-up by their keys only", async (context) => {
    const directory = temporaryDirectory(context);
    let store = openIn(directory);
    const chunkCount = 160_000;
    for (let number = 0; number < chunkCount; number++) {
      const chunk = appendChunk(store, number % 100, number, 1, 8);
      if (number % 10 === 0) store.settle(number % 100, chunk, settlementOf(chunk, 0));
    }
    await commit(store);
    await store.close();
    const startedAt = performance.now();
    store = openIn(directory);
    const openedAt = performance.now();
    let count = 0;
    let settledCount = 0;
    store.recover({
      definition() {},
      note() {},
      chunk(_queueId, _chunk, settlement) {
        count += 1;
        if (settlement !== undefined) settledCount += 1;
      },
    });
    const milliseconds = performance.now() - openedAt;
    context.diagnostic(`opened in ${(openedAt - startedAt).toFixed(1)} ms, recovered in ${milliseconds.toFixed(1)} ms`);
    assert.equal(count, chunkCount);
    assert.equal(settledCount, chunkCount / 10);
    await store.close();
  });
});

/** Queue 1 from message 4, which the chunk that is there ends with. */
function chunkKeyOverlapping(): Buffer {
  const key = Buffer.alloc(32);
  key.writeUInt32BE(1, 0);
  key.writeUInt32BE(4, 8);
  key.writeUInt32BE(1, 12);
  key.writeUInt32BE(1, 28);
  return key;
}
