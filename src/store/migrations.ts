import { StoreFormatError } from "./errors.ts";
import type { BinaryDatabase } from "./lmdb-environment.ts";

const VERSION_KEY = Buffer.from("formatVersion");

/** What a migration may touch: every durable database but `meta`, by name. */
export type MigratedDatabases = ReadonlyMap<string, BinaryDatabase>;

/** `MIGRATIONS[n]` turns format `n` into format `n + 1`. Format 0 is a new directory. Append; never change one. */
const MIGRATIONS: readonly ((databases: MigratedDatabases) => void)[] = [
  requireEmpty,
  addNotes,
  makeNotesOfDeliveries,
  addJournal,
];

/** The format this version writes. */
export const FORMAT_VERSION = MIGRATIONS.length;

/**
 * Brings the databases to {@link FORMAT_VERSION}, each step in a transaction of its own together with the new version
 * number. Throws {@link StoreFormatError} for a format this version does not know.
 */
export function migrate(meta: BinaryDatabase, databases: MigratedDatabases): void {
  const found = readVersion(meta);
  if (found > FORMAT_VERSION) {
    throw new StoreFormatError(
      `the data directory has format ${found}, written by a newer version; this one knows up to ${FORMAT_VERSION}`,
    );
  }
  for (let version = found; version < FORMAT_VERSION; version++) {
    meta.transactionSync(() => {
      (MIGRATIONS[version] as (databases: MigratedDatabases) => void)(databases);
      meta.putSync(VERSION_KEY, Buffer.from(String(version + 1)));
    });
  }
}

function readVersion(meta: BinaryDatabase): number {
  const stored = meta.getBinary(VERSION_KEY)?.toString();
  if (stored === undefined) return 0;
  if (!/^[1-9]\d{0,8}$/.test(stored)) throw new StoreFormatError(`unknown format version ${JSON.stringify(stored)}`);
  return Number(stored);
}

/** Format 2 adds notes. Their database is there when a migration runs, and empty; a version without them must not go on. */
function addNotes(): void {}

/** Format 4 adds the journal: there is none yet. A version that does not read it must not go on without it. */
function addJournal(): void {}

/** Data without a version is not ours, or has lost what tells how to read it. */
function requireEmpty(databases: MigratedDatabases): void {
  for (const database of databases.values()) {
    if (database.getKeysCount({ limit: 1 }) > 0) throw new StoreFormatError("the data directory has no format version");
  }
}

/** Format 3 keeps "every message below was delivered" as a note of the queue, key 1 0, and leaves `delivered` empty. */
function makeNotesOfDeliveries(databases: MigratedDatabases): void {
  const delivered = databases.get("delivered") as BinaryDatabase;
  const notes = databases.get("notes") as BinaryDatabase;
  for (const { key, value } of [...delivered.getRange()]) {
    if (key.length !== 4 || value.length !== 8) throw new StoreFormatError("malformed mark of deliveries in the store");
    const noteKey = Buffer.concat([key, Buffer.of(1, 0)]);
    if (notes.getBinary(noteKey) === undefined) notes.putSync(noteKey, value);
    delivered.removeSync(key);
  }
}
