import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";

/** Makes the entries of a directory durable: a new file survives a power failure only after this. */
export function syncDirectory(directory: string): void {
  // Windows opens no directories, and journals the entries itself.
  if (process.platform === "win32") return;
  const fd = openSync(directory, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Creates a directory that only its owner may use, and those leading to it, durably. */
export function makeDirectory(directory: string): void {
  const firstCreated = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (firstCreated === undefined) return;
  for (let path = directory; path.length >= firstCreated.length; path = dirname(path)) syncDirectory(dirname(path));
}
