import assert from "node:assert/strict";
import { test } from "node:test";
import { importSpecifiers, type SourceFile, sourceFiles } from "./source-files.ts";

/** Which areas of src/ an area may import besides itself. */
const AREA_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  wire: ["lib"],
  core: ["lib", "wire"],
  store: ["lib", "wire", "core"],
  amqp091: ["lib", "wire", "core"],
  amqp10: ["lib", "wire", "core"],
  management: ["lib", "wire", "core"],
  metrics: ["lib", "wire", "core"],
  transport: ["lib"],
  client: ["lib", "wire"],
  perf: ["lib", "wire", "client"],
  server: ["lib", "wire", "core", "store", "amqp091", "amqp10", "management", "metrics", "transport"],
  embed: ["lib", "wire", "core", "amqp091", "client", "server"],
  index: ["lib", "core", "server", "embed"],
  cli: ["lib", "core", "client", "perf", "server"],
};

/** The parts of src/core/; a part may import itself and the parts named. */
const CORE_BASE = ["base"];
const CORE_PARTS = [...CORE_BASE, "exchange", "queue", "auth", "policy"];
const CORE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  exchange: CORE_BASE,
  queue: CORE_BASE,
  auth: CORE_BASE,
  policy: CORE_BASE,
  vhost: CORE_PARTS,
  session: [...CORE_PARTS, "vhost"],
  commands: [...CORE_PARTS, "vhost", "session"],
  broker: [...CORE_PARTS, "vhost", "session", "commands"],
};

/** Files directly in src/core/ that are part of something above its base. */
const CORE_FILE_PARTS: Readonly<Record<string, string>> = {
  policy: "policy",
  "applied-policies": "vhost",
  "dead-letter-routing": "vhost",
  "inbound-bindings": "vhost",
  "topology-definitions": "vhost",
  vhost: "vhost",
  recovery: "broker",
  broker: "broker",
};

/** Packages that only one area may import. */
const PACKAGE_AREAS: Readonly<Record<string, string>> = {
  lmdb: "store",
  rhea: "amqp10",
  ws: "transport",
  yargs: "cli",
  pino: "server",
  "pino-pretty": "server",
  valibot: "server",
  yaml: "server",
};

/** What the synchronous part of the broker may take from Node; everything else is I/O, time or randomness. */
const PURE_NODE_MODULES = ["node:buffer", "node:crypto"];
const PURE_AREAS = ["wire", "core"];

const files = sourceFiles("src");

test("[tidy] the scanner sees every form of import", () => {
  const code = `
    import a from "one"; import type { B } from 'two';
    import {
      c,
    } from "three";
    export * from "four"; import "five"; const d = await import("six"); type E = import("seven").E; require("eight");`;
  const expected = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
  assert.deepEqual(importSpecifiers(code).sort(), expected.sort());
});

test("[tidy] imports go one way between the areas of src/", () => {
  const wrong = projectImports(files).filter(({ from, to }) => {
    const allowed = AREA_IMPORTS[areaOf(from)];
    assert(allowed !== undefined, `${from}: src/${areaOf(from)} is no area that DESIGN knows`);
    return areaOf(from) !== areaOf(to) && !allowed.includes(areaOf(to));
  });
  assert.deepEqual(describe(wrong), []);
});

test("[tidy] imports go one way between the parts of src/core/", () => {
  const inCore = projectImports(files).filter(({ from, to }) => areaOf(from) === "core" && areaOf(to) === "core");
  const wrong = inCore.filter(({ from, to }) => {
    const [part, target] = [corePartOf(from), corePartOf(to)];
    return part !== target && !CORE_IMPORTS[part]?.includes(target);
  });
  assert.deepEqual(describe(wrong), []);
});

test("[tidy] only server/compose.ts picks a store", () => {
  const wrong = projectImports(files).filter(
    ({ from, to }) => areaOf(to) === "store" && areaOf(from) !== "store" && from !== "src/server/compose.ts",
  );
  assert.deepEqual(describe(wrong), []);
});

test("[tidy] no file imports itself through others", () => {
  const graph = new Map(files.map((file) => [file.path, file.imports]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" -> "));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const file of files) visit(file.path, []);
  assert.deepEqual(cycles, []);
});

test("[tidy] a package is imported only where it belongs", () => {
  const wrong = packageImports(files).filter(({ from, to }) => {
    const owner = PACKAGE_AREAS[packageName(to)];
    assert(owner !== undefined, `${from} imports ${to}: name the area it belongs to in this test`);
    return areaOf(from) !== owner;
  });
  assert.deepEqual(describe(wrong), []);
});

test("[tidy] wire and core know no I/O, timer, clock or randomness of their own", () => {
  const pure = files.filter((file) => PURE_AREAS.includes(areaOf(file.path)));
  const imported = pure.flatMap((file) =>
    file.imports
      .filter((specifier) => specifier.startsWith("node:") && !PURE_NODE_MODULES.includes(specifier))
      .map((specifier) => `${file.path} imports ${specifier}`),
  );
  const used = pure.flatMap((file) =>
    [
      ...file.code.matchAll(
        /\b(?:setTimeout|setInterval|Date\.now|Math\.random|performance\.now|process\.|console\.)/g,
      ),
    ].map(([what]) => `${file.path} uses ${what}`),
  );
  assert.deepEqual([...imported, ...used], []);
});

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(file: SourceFile): Import[] {
  return file.imports.map((to) => ({ from: file.path, to }));
}

function projectImports(of: readonly SourceFile[]): Import[] {
  const imports = of.flatMap(importsOf).filter(({ to }) => to.startsWith("src/"));
  for (const { from, to } of imports) assert(to.endsWith(".ts"), `${from} imports ${to} without its .ts`);
  return imports;
}

/** Imports of neither the project's files, nor Node's modules, nor the package's own metadata. */
function packageImports(of: readonly SourceFile[]): Import[] {
  const own = /^(?:src\/|node:|leveret\/)/;
  return of.flatMap(importsOf).filter(({ to }) => !own.test(to));
}

function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** `core` of src/core/queue/queue.ts, `index` of src/index.ts. */
function areaOf(path: string): string {
  return (path.split("/")[1] as string).replace(/\.ts$/, "");
}

/** `queue` of src/core/queue/queue.ts; files directly in src/core/ are `base` unless they are listed elsewhere. */
function corePartOf(path: string): string {
  const [first, second] = path.split("/").slice(2) as [string, string | undefined];
  if (second !== undefined) return first in CORE_IMPORTS ? first : "base";
  return CORE_FILE_PARTS[first.replace(/\.ts$/, "")] ?? "base";
}

function describe(imports: readonly Import[]): string[] {
  return imports.map(({ from, to }) => `${from} imports ${to}`);
}
