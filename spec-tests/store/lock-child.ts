/** Opens the store in the directory given, says how that went on one line, and holds it until it is killed. */

import { silentLogger } from "../../src/lib/logger.ts";
import { DataDirectoryLockedError } from "../../src/store/directory-lock.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";

try {
  openLmdbStore({ directory: process.argv[2] as string, logger: silentLogger });
  console.log("open");
  setInterval(() => {}, 60_000);
} catch (error) {
  if (!(error instanceof DataDirectoryLockedError)) throw error;
  console.log(`locked by ${error.holderPid}`);
}
