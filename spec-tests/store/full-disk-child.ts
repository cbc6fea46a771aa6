/**
 * Fills the store under a file size limit until a commit fails, then makes room by removing chunks, and prints what
 * happened as JSON. Anything unhandled ends it with an error.
 */

import { silentLogger } from "../../src/lib/logger.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { appendChunk, commit, deleteNote, putNote } from "./contents.ts";

const BYTES_EACH = 50_000;
const COMMITS_MAX = 1000;

const store = openLmdbStore({ directory: process.argv[2] as string, logger: silentLogger });
const chunks = [];
/** Each commit has its own. */
let noteCount = 0;
const failures: (string | undefined)[] = [];
for (let number = 1; failures.length === 0 && number < COMMITS_MAX; number++) {
  chunks.push(appendChunk(store, 1, number, 1, BYTES_EACH));
  chunks.push(appendChunk(store, 2, number, 1, BYTES_EACH));
  noteCount = number;
  putNote(store, 1, String(number), String(number));
  await attempt();
}
const retained = chunks.slice(-2);
await attempt();
const readableBytes = store.read(1, "durable", chunks[0]!).length;
const removed = chunks.slice(0, 120);
for (const [index, chunk] of removed.entries()) store.remove(1 + (index % 2), "durable", chunk);
deleteNote(store, 1, "1");
noteCount -= 1;
await commit(store);
// All of the room comes from what was removed.
for (let number = 0; number < 5; number++) {
  chunks.push(appendChunk(store, 3, number, 1, BYTES_EACH));
  await commit(store);
}
await store.close();
console.log(
  JSON.stringify({ failures, readableBytes, retained, storedCount: chunks.length - removed.length, noteCount }),
);

async function attempt(): Promise<void> {
  try {
    await commit(store);
  } catch (error) {
    failures.push((error as { code?: string }).code);
  }
}
