import { closeSync, openSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreFormatError } from "./errors.ts";

/** Where LMDB's data file has its magic number: after the header of the first page. */
const MAGIC_OFFSET = 24;
/** Stored in the machine's own octet order. */
const MAGIC = 0xbeef_c0de;
const MAGIC_BYTES = 4;
/** More than LMDB writes when it makes a new environment. */
const NEW_FILES_BYTES = 64 * 1024;
/** The unit of `Stats.blocks`. */
const BLOCK_BYTES = 512;

/**
 * Makes sure that LMDB can open the files in a directory: an attempt that fails makes lmdb-js use freed memory. Throws
 * {@link StoreFormatError} when the data file is not LMDB's, and the system's errors. Files that are not there will do.
 */
export function checkEnvironmentFiles(directory: string): void {
  if (dataFileState(directory) === "foreign") {
    throw new StoreFormatError(`${join(directory, "data.mdb")} is damaged or not a file of this store`);
  }
  readStart(join(directory, "lock.mdb"), 0);
  if (!isAllocated(join(directory, "lock.mdb"))) checkRoom(directory);
}

/** Whether a file is there and has room on the disk for all of its length. */
function isAllocated(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && stats.blocks * BLOCK_BYTES >= stats.size;
}

/** LMDB writes its lock file through a memory map, which on a full disk would be a SIGBUS. Throws the system's errors. */
function checkRoom(directory: string): void {
  const path = join(directory, "room");
  try {
    writeFileSync(path, Buffer.alloc(NEW_FILES_BYTES), { mode: 0o600 });
  } finally {
    rmSync(path, { force: true });
  }
}

/** Whether the data file in a directory is LMDB's; an empty one is as good as none. Throws the system's errors. */
export function dataFileState(directory: string): "absent" | "valid" | "foreign" {
  const start = readStart(join(directory, "data.mdb"), MAGIC_OFFSET + MAGIC_BYTES);
  if (start.length === 0) return "absent";
  if (start.length < MAGIC_OFFSET + MAGIC_BYTES) return "foreign";
  const isMagic = start.readUInt32LE(MAGIC_OFFSET) === MAGIC || start.readUInt32BE(MAGIC_OFFSET) === MAGIC;
  return isMagic ? "valid" : "foreign";
}

/** Reads up to `length` octets; none when the file is not there. Fails as opening it for writing would. */
function readStart(path: string, length: number): Buffer {
  const start = Buffer.alloc(length);
  let fd: number;
  try {
    fd = openSync(path, "r+");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return start.subarray(0, 0);
    throw error;
  }
  try {
    return start.subarray(0, readSync(fd, start, 0, length, 0));
  } finally {
    closeSync(fd);
  }
}
