import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OPTIONS } from "../../src/server/options.ts";
import { VERSION } from "../../src/server/version.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { LeveretProcess } from "./leveret-process.ts";

test("[cli/help] without a command, and with --help, the commands are listed", async (context) => {
  for (const args of [[], ["--help"]]) {
    const { status, stdout } = await run(context, args);
    assert.equal(status, 0);
    assert.match(stdout, /leveret start +Run a broker/);
  }
});

test("[cli/help] start --help lists every option with its default", async (context) => {
  const { status, stdout } = await run(context, ["start", "--help"]);
  assert.equal(status, 0);
  for (const { commandLineName, defaultText } of OPTIONS) {
    const line = stdout.split("\n").find((text) => text.includes(`--${commandLineName} `));
    assert(line !== undefined, commandLineName);
    assert(stdout.includes(`[default: ${defaultText}]`), commandLineName);
  }
});

test("[cli/version] --version prints the version", async (context) => {
  const { status, stdout } = await run(context, ["--version"]);
  assert.deepEqual([status, stdout], [0, `${VERSION}\n`]);
});

const UNUSABLE: readonly [string, string[], RegExp][] = [
  ["an unknown command", ["strat"], /^leveret: Did you mean start\?\nTry "leveret --help".\n$/],
  ["a second command", ["start", "now"], /^leveret: Unknown command: now\n/],
  ["an option without its value", ["start", "--port"], /^leveret: Not enough arguments following: port\n/],
];
for (const [what, args, message] of UNUSABLE) {
  test(`[cli/usage] ${what} is refused with 64`, async (context) => {
    const { status, stdout, stderr } = await run(context, args);
    assert.deepEqual([status, stdout], [64, ""]);
    assert.match(stderr, message);
  });
}

test("[cli/config] every problem with the configuration is named, and refused with 78", async (context) => {
  const file = join(temporaryDirectory(context), "leveret.yaml");
  writeFileSync(file, "bind: 5\n");
  const { status, stdout, stderr } = await run(context, ["start", "--prot", "1", "--config", file], {
    LEVERET_PORT: "x",
  });
  assert.deepEqual([status, stdout], [78, ""]);
  assert.deepEqual(stderr.split("\n"), [
    "leveret: --prot is not an option; did you mean --port?",
    `leveret: bind in ${file} is 5, but must be text that is not empty`,
    'leveret: LEVERET_PORT is "x", but must be an integer from 0 to 65535',
    "",
  ]);
});

test("[cli/config] LEVERET_CONFIG names the file, --config wins", async (context) => {
  const environment = { LEVERET_CONFIG: "/nowhere/environment.yaml" };
  assert.match((await run(context, ["start"], environment)).stderr, /file \/nowhere\/environment.yaml cannot be read/);
  const both = await run(context, ["start", "--config", "/nowhere/argument.yaml"], environment);
  assert.match(both.stderr, /file \/nowhere\/argument.yaml cannot be read/);
});

async function run(context: TestContext, args: readonly string[], environment?: Readonly<Record<string, string>>) {
  const leveret = new LeveretProcess(context, args, environment);
  const status = await leveret.ended;
  return { status, stdout: leveret.stdout, stderr: leveret.stderr };
}
