import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { brokerUnderTest } from "../support/broker-under-test.ts";

const BUILD_TIMEOUT_MILLISECONDS = 300_000;
const RUN_TIMEOUT_MILLISECONDS = 120_000;

const packageDirectory = dirname(createRequire(import.meta.url).resolve("leveret/package.json"));
const directory = mkdtempSync(join(tmpdir(), "leveret-java-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const isExternal = process.env["LEVERET_CONFORMANCE_URL"] !== undefined;
const skipJms = isExternal
  ? "RabbitMQ has neither AMQP 1.0 transactions nor, without a plugin, JMS topics"
  : build("jms");
const skip = build("rabbitmq-client");
for (const reason of [skipJms, skip]) if (reason !== false) console.warn(`SKIPPED: ${reason}`);
const isAnyRun = skipJms === false || skip === false;
const { hostname, port, username, password } = new URL(isAnyRun ? await brokerUnderTest() : "amqp://none");

test("jms: Qpid JMS finds what an application relies on", { skip: skipJms }, () =>
  run("jms", "JmsScenarios", `${hostname}:${port}`, username || "guest", password || "guest"),
);

test("rabbitmq: RabbitMQ's own client for AMQP 1.0 finds what it relies on", { skip }, () =>
  run(
    "rabbitmq-client",
    "RabbitmqClientScenarios",
    `amqp://${username || "guest"}:${password || "guest"}@${hostname}:${port}/%2f`,
  ),
);

async function run(project: string, program: string, ...programArguments: string[]): Promise<void> {
  const built = join(directory, project);
  const classpath = `${join(built, "target", "classes")}:${readFileSync(join(built, "classpath"), "utf8").trim()}`;
  const child = spawn("java", ["-cp", classpath, `leveret.${program}`, ...programArguments], {
    timeout: RUN_TIMEOUT_MILLISECONDS,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, output);
}

/** Builds a program; Maven fetches its client the first time. Returns why it is to be skipped. */
function build(project: string): string | false {
  for (const [program, flag] of [
    ["java", "-version"],
    ["mvn", "-version"],
  ] as const) {
    if (spawnSync(program, [flag]).status !== 0) return `${program} is not installed`;
  }
  const target = join(directory, project);
  cpSync(join(packageDirectory, "conformance", "amqp10", project), target, { recursive: true });
  const { status, stdout, stderr } = spawnSync(
    "mvn",
    ["-q", "-B", "compile", "dependency:build-classpath", `-Dmdep.outputFile=${join(target, "classpath")}`],
    { cwd: target, timeout: BUILD_TIMEOUT_MILLISECONDS, encoding: "utf8" },
  );
  if (status === 0) return false;
  if (/Could not (?:transfer|resolve)|Unknown host/.test(stdout)) return "Maven cannot fetch the Java clients";
  throw new Error(`mvn failed: ${stdout}${stderr}`);
}
