import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { cleanUp } from "./clean-up.ts";

/** A new directory that is removed when the test is over. */
export function temporaryDirectory(test: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "leveret-"));
  cleanUp(test, async () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
