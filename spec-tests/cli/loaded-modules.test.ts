import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { LeveretProcess } from "./leveret-process.ts";

/** Writes the URL of every module to standard error before it is loaded. */
const HOOK = `
  import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    writeSync(2, url + "\\n");
    return next(url, context);
  }`;
const PRELOAD = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(HOOK))});`;

/** What a broker that speaks AMQP 0-9-1 alone does without, and how its modules are called. */
const IDLE: readonly (readonly [what: string, url: RegExp])[] = [
  ["yargs", /\/node_modules\/yargs\//],
  ["the load generator", /\/src\/perf\//],
  ["AMQP 1.0", /\/src\/amqp10\/|\/node_modules\/rhea\//],
  ["WebSockets", /\/src\/transport\/websocket-(?!paths)|\/node_modules\/ws\//],
  ["TLS", /^node:tls$|\/src\/transport\/(certificates|certificate-watch|tls-gate)\./],
  ["the import of definitions", /\/import-definitions\./],
  ["YAML", /\/node_modules\/yaml\//],
  ["readable log lines", /\/node_modules\/pino-pretty\//],
];

test("[start/modules] a broker that speaks AMQP 0-9-1 alone loads nothing that it does not use", async (context) => {
  const urls = await loadedBy(context, ["start", "--port", "0", "--memory", "--protocols", "amqp"], (leveret) =>
    leveret.logLine("listening"),
  );
  assert(
    urls.some((url) => url.includes("/src/core/broker.")),
    "the hook sees what is loaded",
  );
  for (const [what, pattern] of IDLE) assert.deepEqual([what, urls.filter((url) => pattern.test(url))], [what, []]);
});

test("[start/modules] help and refusals come without the broker", async (context) => {
  for (const args of [
    ["start", "--help"],
    ["start", "--port", "x"],
    ["perf", "--size", "x"],
  ]) {
    const urls = await loadedBy(context, args, (leveret) => leveret.ended);
    assert(
      urls.some((url) => url.includes("/src/cli/")),
      "the hook sees what is loaded",
    );
    assert.deepEqual(
      urls.filter((url) => /\/src\/(core\/broker|store\/|amqp)/.test(url)),
      [],
    );
  }
});

async function loadedBy(
  context: TestContext,
  args: readonly string[],
  until: (leveret: LeveretProcess) => Promise<unknown>,
): Promise<string[]> {
  const leveret = new LeveretProcess(context, args, { NODE_OPTIONS: `--import ${dataUrl(PRELOAD)}` });
  await until(leveret);
  return leveret.stderr.split("\n");
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
