import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { sourceFiles } from "./source-files.ts";

interface PackageMetadata {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly resolved?: string }>>;
}

const metadata: PackageMetadata = JSON.parse(readText("package.json"));
const lock: LockFile = JSON.parse(readText("package-lock.json"));
const everyDependency = Object.entries({ ...metadata.dependencies, ...metadata.devDependencies });

test("[tidy] dependencies are named by exact version, and locked at it", () => {
  for (const [name, version] of everyDependency) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name);
  }
});

test("[tidy] the lock file names no place to download from", () => {
  const resolved = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);
  assert.deepEqual(resolved, []);
});

test("[tidy] docs/dependencies.md gives one line to every direct dependency and to nothing else", () => {
  const documented = [...readText("docs/dependencies.md").matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(documented.sort(), everyDependency.map(([name]) => name).sort());
});

test("[tidy] every runtime dependency is used", () => {
  const imported = new Set(sourceFiles("src").flatMap((file) => file.imports));
  const unused = Object.keys(metadata.dependencies).filter((name) => !imported.has(name));
  assert.deepEqual(unused, []);
});

function readText(path: string): string {
  return readFileSync(join(PROJECT_ROOT, path), "utf8");
}
