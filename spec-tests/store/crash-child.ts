/**
 * Commits the same number to several queues, databases and sizes of value, counting up from where the directory is,
 * and prints each number once it is durable. Runs until it is killed.
 */

import { writeSync } from "node:fs";
import { silentLogger } from "../../src/lib/logger.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { type Contents, chunkOf, contentsOf, deleteNote, putNote, settlementOf } from "./contents.ts";

/** Octets per message of the chunks of queue 0, 1, …: inline values as well as some that take pages of their own. */
const BYTES_EACH = [10, 100, 5000, 60_000];
/** A chunk and a note are removed after so many more. */
const KEPT = 3;

const store = openLmdbStore({ directory: process.argv[2] as string, logger: silentLogger });
commitFrom(lastNumber(contentsOf(store)) + 1);

/** 0 in a new directory. */
function lastNumber({ notes }: Contents): number {
  const note = notes.find(([queueId, key]) => queueId === 0 && key === "replaced");
  return Number(note?.[2] ?? 0);
}

function commitFrom(number: number): void {
  for (const [queueId, bytesEach] of BYTES_EACH.entries()) {
    const { chunk, value } = chunkOf(number, 1, bytesEach);
    store.append(queueId, "durable", chunk, value, 0, value.length);
    store.settle(queueId, chunk, settlementOf(chunk));
    putNote(store, queueId, "replaced", String(number));
    putNote(store, queueId, String(number), "x".repeat(Math.min(bytesEach, 1000)));
    store.putDefinition("queue", `q${queueId}`, number);
    if (number <= KEPT) continue;
    store.remove(queueId, "durable", chunkOf(number - KEPT, 1, bytesEach).chunk);
    deleteNote(store, queueId, String(number - KEPT));
  }
  store.commit((error) => {
    if (error !== undefined) throw error;
    writeSync(1, `${number}\n`);
    commitFrom(number + 1);
  });
}
