import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { LeveretProcess, startLeveret } from "../cli/leveret-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestAuthority, writtenFile } from "../support/test-certificates.ts";
import { brokerUri } from "./perf-run.ts";

async function perf(context: TestContext, args: readonly string[], environment?: Readonly<Record<string, string>>) {
  const leveret = new LeveretProcess(context, ["perf", ...args], environment);
  const status = await leveret.ended;
  return { status, stdout: leveret.stdout, stderr: leveret.stderr };
}

test("[perf/command] the result is printed for people", async (context) => {
  const uri = await brokerUri(context);
  const { status, stdout, stderr } = await perf(context, ["--uri", uri, "--messages", "1000", "-c", "10", "--latency"]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(
    stdout,
    /^published +1,000 +[\d,]+\/s\nconfirmed +1,000 .*\nconsumed +1,000 .*\npublish to delivery +min /,
  );
});

test("[perf/command] the result of rpc is printed for people", async (context) => {
  const uri = await brokerUri(context);
  const { status, stdout, stderr } = await perf(context, [
    "rpc",
    "--uri",
    uri,
    "--operations",
    "100",
    "--clients",
    "4",
  ]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(
    stdout,
    /^requests +100 +.*\nreplies +100 .*\nanswered +100 .*\nrequest to reply +min .* p99.9 .*\nmeas/,
  );
});

test("[perf/command] --json prints one line of JSON", async (context) => {
  const uri = await brokerUri(context);
  const { status, stdout } = await perf(context, ["--uri", uri, "--messages", "1000", "--json", "--no-durable"]);
  assert.equal(status, 0);
  const result = JSON.parse(stdout);
  assert.deepEqual([result.mode, result.published, result.consumed], ["throughput", 1000, 1000]);
  const churn = await perf(context, ["queue-churn", "--uri", uri, "--operations", "20", "--json"]);
  assert.deepEqual([churn.status, JSON.parse(churn.stdout).operations], [0, 20]);
});

test("[perf/command] SIGINT ends a run, which still gives its result", async (context) => {
  const uri = await brokerUri(context);
  const leveret = new LeveretProcess(context, ["perf", "--uri", uri, "--rate", "1000", "--json"]);
  setTimeout(() => leveret.signal("SIGINT"), 1000);
  assert.equal(await leveret.ended, 0);
  assert(JSON.parse(leveret.stdout).seconds < 1);
});

test("[perf/command] options that are not allowed are refused with 64, a broker that is not there with 69", async (context) => {
  const usage = await perf(context, ["--ack", "10", "--prefetch", "5"]);
  assert.deepEqual([usage.status, usage.stdout], [64, ""]);
  assert.match(usage.stderr, /^leveret: --ack is more than --prefetch/);
  const unknown = await perf(context, ["--sizes", "10"]);
  assert.equal(unknown.status, 64);
  const address = await perf(context, ["--uri", "http://127.0.0.1"]);
  assert.deepEqual([address.status, address.stdout], [64, ""]);
  const absent = await perf(context, ["--uri", "amqp://127.0.0.1:1"]);
  assert.deepEqual([absent.status, absent.stdout], [69, ""]);
  assert.match(absent.stderr, /^leveret: the connection to 127.0.0.1:1 failed/);
});

test("[perf/tls] amqps:// works with a name and with an address, without any warning", async (context) => {
  const authority = new TestAuthority();
  const directory = temporaryDirectory(context);
  const { certificate, key } = authority.issue();
  const files = ["--tls-certificate", writtenFile(directory, "server.pem", `${certificate}${key}`)];
  const { port } = await startLeveret(context, ["--memory", "--tls", "required", ...files]);
  const environment = { NODE_EXTRA_CA_CERTS: writtenFile(directory, "authority.pem", authority.certificate) };
  for (const host of ["localhost", "127.0.0.1"]) {
    for (const args of [
      ["--messages", "100"],
      ["channel-churn", "--operations", "5"],
    ]) {
      const run = await perf(context, ["--uri", `amqps://${host}:${port}`, ...args], environment);
      assert.deepEqual([run.status, run.stderr], [0, ""]);
    }
  }
  const unknown = await perf(context, ["--uri", `amqps://localhost:${port}`]);
  assert.equal(unknown.status, 69);
  assert.match(unknown.stderr, /^leveret: the connection to localhost:\d+ failed: .*certificate/);
});
