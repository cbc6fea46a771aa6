import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { optionsTable } from "./configuration-reference.ts";

test("[docs/configuration] the table of options is the one that follows from their description", () => {
  const documentation = readFileSync(join(PROJECT_ROOT, "docs/configuration.md"), "utf8");
  const documented = documentation.split("\n").filter((line) => line.startsWith("| "));
  // On a mismatch, the expected lines are what the document must say.
  assert.deepEqual(
    documented,
    optionsTable()
      .split("\n")
      .filter((line) => line.startsWith("| ")),
  );
});
