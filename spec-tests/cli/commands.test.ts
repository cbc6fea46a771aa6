import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCommandLine } from "../../src/cli/command-line.ts";
import type { GivenOptions } from "../../src/cli/given-options.ts";
import { plainOptions } from "../../src/cli/plain-options.ts";
import { COMMAND_LINE_OPTIONS } from "../../src/perf/command-line.ts";
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

test("[cli/help] perf --help lists every option under the modes it belongs to", async (context) => {
  const { status, stdout } = await run(context, ["perf", "--help"]);
  assert.equal(status, 0);
  for (const [name, { modes }] of Object.entries(COMMAND_LINE_OPTIONS)) {
    const heading = modes === undefined ? "Options" : `Only in ${modes.join(", ")}`;
    const paragraph = stdout.split("\n\n").find((text) => text.startsWith(`${heading}:\n`));
    assert(paragraph?.includes(`--${name} `), name);
  }
});

const UNUSABLE: readonly [string, string[], RegExp][] = [
  ["an unknown command", ["strat"], /^leveret: Did you mean start\?\nTry "leveret --help".\n$/],
  ["a second command", ["start", "now"], /^leveret: Unknown command: now\n/],
  ["an option without its value", ["start", "--port"], /^leveret: Not enough arguments following: port\n/],
  [
    "an option in place of a value",
    ["start", "--port", "--memory"],
    /^leveret: Not enough arguments following: port\n/,
  ],
  ["a flag that is neither", ["start", "--memory=maybe"], /^leveret: --memory is "maybe", but must be true or false\n/],
  ["a flag of perf that is neither", ["perf", "--json=1"], /^leveret: --json is "1", but must be true or false\n/],
  ["a mode that is none", ["perf", "rcp"], /Given: "rcp", Choices: "throughput", "rpc", /],
  ["a second mode", ["perf", "rpc", "queue-churn"], /^leveret: Unknown command: queue-churn\n/],
  [
    "an unknown option of perf",
    ["perf", "--sizes", "5"],
    /^leveret: --sizes is not an option; did you mean --size\?\n/,
  ],
  ["an unknown letter", ["perf", "-q", "5"], /^leveret: -q is not an option\n/],
  ["a value of perf that is none", ["perf", "-s", "x"], /^leveret: --size is "x", but must be an integer from 0 to /],
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

const PLAIN: readonly (readonly string[])[] = [
  [],
  ["--memory", "--port", "0"],
  ["--port=0", "--port", "1", "--product=", "--bind", ""],
  ["--data-dir=-x", "--config", "a.yaml", "--tls-key", "true"],
  ["--listeners", '[{"port": 5673}]', "--protocols=amqp,amqp1", "--product", '"quoted"'],
  ["--memory", "--"],
];
for (const words of PLAIN) {
  test(`[cli/start] start ${words.join(" ")} means the same to Node's parser as to yargs`, async () => {
    let parsed: GivenOptions | undefined;
    const start = async (options: GivenOptions): Promise<void> => {
      parsed = options;
    };
    await runCommandLine(["start", ...words], { start, perf: () => Promise.reject(new Error("it is not perf")) });
    assert.deepEqual(plainOptions(words), parsed);
  });
}

const NOT_PLAIN = ["--help", "--version", "--prot 1", "--no-memory", "--memory=true", "--memory true", "-p 1", "x"];
for (const words of [...NOT_PLAIN, "--port", "--port --memory", "--port -1", "-- x"]) {
  test(`[cli/start] start ${words} is left to yargs`, () => {
    assert.equal(plainOptions(words.split(" ")), undefined);
  });
}

test("[cli/config] options that are left to yargs reach the configuration too", async (context) => {
  for (const [args, message] of [
    [["--memory", "false", "--port", "x"], 'leveret: --port is "x", but must be an integer from 0 to 65535\n'],
    [["--no-memory", "-p", "1"], "leveret: -p is not an option\n"],
    [["--no-port"], "leveret: --port is false, but must be an integer from 0 to 65535\n"],
  ] as const) {
    const { status, stderr } = await run(context, ["start", ...args]);
    assert.deepEqual([status, stderr], [78, message]);
  }
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
