import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ServerOptions } from "../../src/embed/server-options.ts";
import { OPTIONS, type ServerConfig } from "../../src/server/options.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";

/** What a program that brings a logger, and says where the data is, has no use for. */
type ProcessOption = "logLevel" | "logFormat" | "memory";

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
type Configurable = DeepReadonly<Omit<ServerConfig, ProcessOption>>;
/** Never but when A fits B and B fits A, key for key. */
type Alike<A, B> = A extends B ? (B extends A ? (keyof A extends keyof B ? keyof B : never) : never) : never;

/** Those whose defaults are others than those of `leveret start` have other words. */
const OTHERS: ReadonlySet<string> = new Set(["dataDir", "port", "memoryHighWatermarkFraction"]);
const PROCESS_OPTIONS: ReadonlySet<string> = new Set<ProcessOption>(["logLevel", "logFormat", "memory"]);

test("[embedding/options] every option of the configuration is one, of the same type and with the same words", () => {
  // Does not compile when an option is missing, is not one any more, or is of another type.
  const key: Alike<Required<ServerOptions>, Configurable> = "port" satisfies keyof ServerOptions;
  assert.equal(key, "port");
  const source = readFileSync(join(PROJECT_ROOT, "src/embed/server-options.ts"), "utf8")
    // Every comment on one line.
    .replace(/\s*\n\s*(?:\*(?!\/))? */g, " ");
  for (const { key, meaning, defaultText } of OPTIONS) {
    if (OTHERS.has(key) || PROCESS_OPTIONS.has(key)) continue;
    assert(source.includes(`${meaning}. Default: ${defaultText}. */ readonly ${key}?:`), `${key}: ${meaning}`);
  }
});
