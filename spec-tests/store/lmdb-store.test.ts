import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../src/lib/logger.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { storeSuite } from "./store-suite.ts";

storeSuite("LMDB store", () => {
  const directory = mkdtempSync(join(tmpdir(), "leveret-store-"));
  return {
    open: () => openLmdbStore({ directory, logger: silentLogger }),
    dispose: async () => rmSync(directory, { recursive: true }),
  };
});
