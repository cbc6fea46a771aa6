import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { sourceFiles } from "./source-files.ts";

const SOURCE_LINES_MAX = 400;
const TEST_LINES_MAX = 500;

/** A file that may be longer, and why. */
const LONGER_FILES: Readonly<Record<string, { linesMax: number; reason: string }>> = {};

/** Files on the path of every message: line one says so, and what that asks for. */
const HOT_FILES = [
  "src/amqp091/connection.ts",
  "src/amqp091/outbox.ts",
  "src/wire/frame-reader.ts",
  "src/core/message.ts",
  "src/core/exchange/route.ts",
  "src/core/queue/message-queue.ts",
  "src/core/queue/deliveries.ts",
  "src/core/queue/groups/grouped-log.ts",
  "src/core/queue/groups/message-groups.ts",
  "src/core/queue/message-log.ts",
  "src/core/queue/log-tail.ts",
  "src/core/queue/log-cursor.ts",
  "src/core/queue/record.ts",
  "src/core/queue/stream/stream-log.ts",
  "src/core/queue/stream/stream-reader.ts",
];

const HOT_MARKER = /^\/\/ Hot file: ./;

const TOP_LEVEL = [
  ".ci",
  ".dockerignore",
  ".gitignore",
  "CHANGELOG.md",
  "Dockerfile",
  "LICENSE",
  "README.md",
  "bin",
  "biome.json",
  "conformance",
  "docs",
  "package-lock.json",
  "package.json",
  "spec-tests",
  "src",
  "tsconfig.json",
];
/** What tools, builds and brokers leave in a checkout; git ignores it. */
const LEFT_BEHIND = /^(?:\.git|\.build|node_modules|dist|data|leveret-data|.*\.(?:tgz|log|cpuprofile|heapprofile))$/;

const sources = sourceFiles("src");
const tests = [...sourceFiles("spec-tests"), ...sourceFiles("conformance")];
const all = [...sources, ...tests];

test("[tidy] the top level holds only what belongs there", () => {
  const unexpected = readdirSync(PROJECT_ROOT).filter((name) => !TOP_LEVEL.includes(name) && !LEFT_BEHIND.test(name));
  assert.deepEqual(unexpected, []);
});

test("[tidy] file and folder names are kebab-case", () => {
  const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
  const wrong = all.filter(({ path }) =>
    path.split("/").some((part) => part.split(".").some((word) => !kebabCase.test(word))),
  );
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

test("[tidy] files stay small", () => {
  const tooLong = [...sources.map(withLimit(SOURCE_LINES_MAX)), ...tests.map(withLimit(TEST_LINES_MAX))]
    .filter(({ lines, linesMax }) => lines > linesMax)
    .map(({ path, lines, linesMax }) => `${path} has ${lines} lines, at most ${linesMax} are allowed`);
  assert.deepEqual(tooLong, []);
});

test("[tidy] nothing is left for later in the code", () => {
  assert.deepEqual(matches(/\b(?:TODO|FIXME|XXX|HACK)\b/g, "text"), []);
});

test("[tidy] only erasable TypeScript with named exports", () => {
  const notErasable = /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace)\s+\w+\s*\{/gm;
  assert.deepEqual(matches(notErasable, "code"), []);
  assert.deepEqual(matches(/\bexport\s+default\b|\bas\s+default\b/g, "code"), []);
});

test("[tidy] no check is switched off where it fails", () => {
  assert.deepEqual(matches(/@ts-(?:ignore|nocheck|expect-error)/g, "text"), []);
});

test("[tidy] hot files say so on line one, and await nothing", () => {
  const marked = sources.filter(({ text }) => HOT_MARKER.test(text));
  const markedPaths = marked.map(({ path }) => path);
  const unmarked = HOT_FILES.filter((path) => !markedPaths.includes(path));
  assert.deepEqual(unmarked, [], "these are on the path of every message and must say so");
  const slow = marked.filter(({ code }) => /\basync\b|\bawait\b/.test(code)).map(({ path }) => path);
  assert.deepEqual(slow, [], "nothing is awaited for a message");
});

function withLimit(general: number) {
  return ({ path, text }: { path: string; text: string }) => ({
    path,
    lines: text.split("\n").length - 1,
    linesMax: LONGER_FILES[path]?.linesMax ?? general,
  });
}

function matches(pattern: RegExp, of: "text" | "code"): string[] {
  const others = all.filter(({ path }) => !path.startsWith("spec-tests/tidy/"));
  return others.flatMap((file) => [...file[of].matchAll(pattern)].map(([what]) => `${file.path}: ${what.trim()}`));
}
