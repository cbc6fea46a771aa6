import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { connect } from "amqplib";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { uniqueName } from "../support/unique-name.ts";

const TIMEOUT_MILLISECONDS = 60_000;

const NOT_IN_RABBITMQ: Readonly<Record<string, string>> = {
  transactions: "RabbitMQ has no AMQP 1.0 transactions",
  settle_second: "RabbitMQ settles first whatever is asked for",
};

/** The first Python that has Qpid Proton (Debian: python3-qpid-proton); undefined: none. */
const python = ["python3", "/usr/bin/python3", "python3.11", "python3.12", "python3.13"].find(
  (command) => spawnSync(command, ["-c", "import proton"]).status === 0,
);
const skip = python === undefined ? "Qpid Proton for Python (python3-qpid-proton) is not installed" : false;
if (skip !== false) console.warn(`SKIPPED: ${skip}`);

const scenarios = join(
  dirname(createRequire(import.meta.url).resolve("leveret/package.json")),
  "conformance",
  "amqp10",
  "proton_scenarios.py",
);
const url = skip === false ? await brokerUnderTest() : "";
const isExternal = process.env["LEVERET_CONFORMANCE_URL"] !== undefined;

for (const [scenario, what] of [
  ["bodies", "every kind of body comes back as it was sent"],
  ["properties", "properties, annotations and application properties come back as they were sent"],
  ["outcomes", "released, accepted, unroutable, and a link that is refused"],
  ["anonymous", "the anonymous terminus"],
  ["drain", "drain"],
  ["transactions", "local transactions"],
  ["settle_second", "rcv-settle-mode second, 500 messages there and back"],
  ["throughput", "3,000 messages in order"],
] as const) {
  const reason = (isExternal ? NOT_IN_RABBITMQ[scenario] : undefined) ?? skip;
  test(`proton: ${what}`, { skip: reason }, async (t) => {
    const queue = uniqueName("proton");
    const connection = await connect(url);
    const channel = await connection.createChannel();
    await channel.assertQueue(queue, { durable: true });
    t.after(async () => {
      await channel.deleteQueue(queue);
      await connection.close();
    });
    const { code, output } = await run(scenario, queue);
    assert.equal(code, 0, output);
  });
}

function run(scenario: string, queue: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(python as string, [scenarios, url, scenario, queue], { timeout: TIMEOUT_MILLISECONDS });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
