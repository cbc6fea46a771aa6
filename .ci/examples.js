// Runs the example projects as their readers would: in a directory of their own, with the packed package installed.
// The project must have been built. Exits with 1 when one fails.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const STEP_MILLISECONDS_MAX = 240_000;

const scratch = mkdtempSync(join(tmpdir(), "leveret-examples-"));
process.once("SIGTERM", () => {
  cleanUp();
  process.exit(1);
});

try {
  const tarball = join(scratch, run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", scratch], ROOT).trim());
  for (const name of readdirSync(join(ROOT, "docs/examples"))) {
    const directory = join(scratch, name);
    cpSync(join(ROOT, "docs/examples", name), directory, {
      recursive: true,
      filter: (path) => !path.endsWith("node_modules"),
    });
    const file = join(directory, "package.json");
    writeFileSync(file, readFileSync(file, "utf8").replace("file:../../..", `file:${tarball}`));
    run("npm", ["install", "--silent", "--no-audit", "--no-fund"], directory);
    run(join(ROOT, "node_modules/.bin/tsc"), ["-p", "tsconfig.json"], directory);
    process.stdout.write(run("npm", ["test"], directory));
  }
} finally {
  cleanUp();
}

function run(command, args, directory) {
  process.stdout.write(`examples: ${[command, ...args].join(" ")}\n`);
  return execFileSync(command, args, {
    cwd: directory,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: STEP_MILLISECONDS_MAX,
  });
}

function cleanUp() {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}
