// Makes a clone ready to run: installs what package-lock.json names if it is not there, and brings dist/ up to date.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { bundle } from "./bundle.js";
import { requireProcess } from "./run-process.js";

const ROOT = join(import.meta.dirname, "..");
const SOURCE_DIRECTORIES = ["src", "spec-tests", "conformance"];

/** Installs and builds as far as needed; a failure ends the process with the failing tool's status. */
export async function prepare() {
  if (!isInstalled()) await install();
  removeStaleOutputs();
  await requireProcess(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", ROOT]);
  await bundle();
}

/** Whether node_modules holds every package that the lock file names; optional ones depend on the platform. */
function isInstalled() {
  const installedPath = join(ROOT, "node_modules/.package-lock.json");
  if (!existsSync(installedPath)) return false;
  const installed = readPackages(installedPath);
  return Object.entries(readPackages(join(ROOT, "package-lock.json"))).every(
    ([path, { version, optional }]) => path === "" || optional === true || installed[path]?.version === version,
  );
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, "utf8")).packages;
}

async function install() {
  // npm tells its scripts where it is itself; a shell would be needed to run `npm` by name on Windows.
  const [command, ...prefix] =
    process.env.npm_execpath === undefined ? ["npm"] : [process.execPath, process.env.npm_execpath];
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  await requireProcess(command, [...prefix, ...args], { cwd: ROOT });
}

/**
 * Deletes from dist/ what no source stands for any more: a deleted test must not run, a deleted module must not be
 * packed. If, the other way round, an output is missing, the compiler is made to forget that it wrote it.
 */
function removeStaleOutputs() {
  const outputDirectory = join(ROOT, "dist");
  for (const name of SOURCE_DIRECTORIES) {
    const expected = new Set(filesUnder(join(ROOT, name)).filter(isSource).flatMap(outputsOf));
    const outputs = filesUnder(join(outputDirectory, name)).map((path) => relative(outputDirectory, path));
    for (const output of outputs) if (!expected.has(output)) rmSync(join(outputDirectory, output));
    const present = new Set(outputs);
    const missing = [...expected].some((output) => !present.has(output));
    if (missing) rmSync(join(outputDirectory, ".tsbuildinfo"), { force: true });
  }
}

function isSource(path) {
  return path.endsWith(".ts") && !path.endsWith(".d.ts");
}

function outputsOf(source) {
  const stem = relative(ROOT, source).slice(0, -".ts".length);
  return [".js", ".js.map", ".d.ts"].map((suffix) => stem + suffix);
}

function filesUnder(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

if (process.argv[1] === import.meta.filename) await prepare();
