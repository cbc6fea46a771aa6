// Runs compiled tests: prepares the clone, then hands every *.test.js below the named folders to node:test.
//   node .ci/test.js [--node-option...] folder...        e.g. node .ci/test.js spec-tests/core
import { existsSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { prepare } from "./prepare.js";
import { runProcess } from "./run-process.js";

const ROOT = join(import.meta.dirname, "..");
/** The longest that one test may take. */
const TEST_TIMEOUT_MILLISECONDS = 300_000;
/** Files that run at the same time. Left to node:test it would be one on two processors, and most files wait a lot. */
const CONCURRENCY = Math.max(2, availableParallelism() - 1);

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith("--"));
// The first folder is the npm script's own and gives way to those named after it.
const [scriptFolder, ...named] = words.filter((word) => !word.startsWith("--"));
const folders = named.length > 0 ? named : [scriptFolder];

await prepare();
const files = folders.flatMap(testFiles);
if (files.length === 0) {
  process.stderr.write(`no tests below ${folders.join(", ")}\n`);
  process.exit(1);
}
const settings = [`--test-timeout=${TEST_TIMEOUT_MILLISECONDS}`, `--test-concurrency=${CONCURRENCY}`];
const args = ["--test", "--test-reporter=spec", ...settings, ...options, ...files];
process.exit(await runProcess(process.execPath, ["--enable-source-maps", ...args], { cwd: ROOT }));

/** Node 20 takes no glob pattern and Node 22 no directory, so the files are named one by one. */
function testFiles(name) {
  const path = join(ROOT, "dist", name.replace(/\.ts$/, ".js"));
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((file) => file.endsWith(".test.js"))
    .map((file) => join(path, file))
    .sort();
}
