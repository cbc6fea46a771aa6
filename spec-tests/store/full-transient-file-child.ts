/**
 * Fills the file for transient chunks under a file size limit until a commit fails, and fails again; then makes room and
 * goes on, and prints what happened as JSON. Anything unhandled ends it with an error.
 */

import type { ChunkDescriptor } from "../../src/core/ports.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { chunkOf, commit } from "./contents.ts";

const BYTES_EACH = 100_000;
const CHUNKS_PER_COMMIT = 3;
const COMMITS_MAX = 1000;

const store = openLmdbStore({ directory: process.argv[2] as string, logger: silentLogger });
const stored: ChunkDescriptor[] = [];
const failures: (string | undefined)[] = [];
let pending: ChunkDescriptor[] = [];
for (let number = 0; failures.length === 0 && number < COMMITS_MAX; number++) {
  append(number);
  await attempt();
}
const refused = pending;
await attempt();
const storedCount = stored.length;
const missing = refused.filter(isReadable).length;
for (const chunk of stored.splice(0, 20)) store.remove(1, "transient", chunk);
await attempt();
// All of the room comes from what was removed.
for (let number = COMMITS_MAX; number < COMMITS_MAX + 4; number++) {
  append(number);
  await attempt();
}
const damaged = stored.filter((chunk) => !isWhole(chunk)).length;
await store.close();
console.log(
  JSON.stringify({ failures: failures.slice(0, 2), storedCount, missing, damaged, refusedAfterwards: pending.length }),
);

function append(number: number): void {
  for (let index = 0; index < CHUNKS_PER_COMMIT; index++) {
    const { chunk, value } = chunkOf(number * CHUNKS_PER_COMMIT + index, 1, BYTES_EACH);
    store.append(1, "transient", chunk, value, 0, value.length);
    pending.push(chunk);
  }
}

async function attempt(): Promise<void> {
  try {
    await commit(store);
    stored.push(...pending);
    pending = [];
  } catch (error) {
    failures.push((error as { code?: string }).code);
  }
}

function isReadable(chunk: ChunkDescriptor): boolean {
  try {
    store.read(1, "transient", chunk);
    return true;
  } catch {
    return false;
  }
}

function isWhole(chunk: ChunkDescriptor): boolean {
  return store.read(1, "transient", chunk).every((octet) => octet === (chunk.first & 0xff));
}
