import assert from "node:assert/strict";
import { test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { LeveretProcess, startLeveret } from "./leveret-process.ts";

/** Longer than the time in which two signals are taken for one. */
const SECOND_SIGNAL_MILLISECONDS = 700;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`[start/stop] ${signal} ends an idle broker with 0`, async (context) => {
    const { leveret } = await startLeveret(context, ["--memory"]);
    leveret.signal(signal);
    assert.equal(await leveret.ended, 0);
    assert.equal((await leveret.logLine("stopping"))["signal"], signal);
    assert.equal(leveret.stderr, "");
  });
}

test("[start/stop] clients are told 320", async (context) => {
  const { leveret, url } = await startLeveret(context, ["--memory"]);
  const client = new AMQPClient(url);
  const disconnected = new Promise<string>((resolve) => {
    client.onerror = (error) => resolve(error.message);
  });
  await client.connect();
  leveret.signal("SIGTERM");
  assert.match(await disconnected, /CONNECTION_FORCED/);
  assert.equal(await leveret.ended, 0);
});

test("[start/stop] a client that does not answer cannot keep it from ending with 0 in 5 s", async (context) => {
  const { leveret, url } = await startLeveret(context, ["--memory"]);
  await connectDeafClient(url);
  const stoppedAt = performance.now();
  leveret.signal("SIGTERM");
  assert.equal(await leveret.ended, 0);
  assert(performance.now() - stoppedAt < 5_000);
});

test("[start/stop] the same signal again at once is one request, a later one cuts it short with 1", async (context) => {
  const { leveret, url } = await startLeveret(context, ["--memory"]);
  await connectDeafClient(url);
  leveret.signal("SIGINT");
  leveret.signal("SIGINT");
  await leveret.logLine("stopping");
  await new Promise((resolve) => setTimeout(resolve, SECOND_SIGNAL_MILLISECONDS));
  leveret.signal("SIGINT");
  assert.equal(await leveret.ended, 1);
});

test("[start/port] a port in use is refused with 69 and advice", async (context) => {
  const { port } = await startLeveret(context, ["--memory"]);
  const second = new LeveretProcess(context, ["start", "--memory", "--port", String(port)]);
  assert.equal(await second.ended, 69);
  assert.match(second.stderr, new RegExp(`^leveret: 127.0.0.1:${port} is in use .* choose another port with --port`));
});

test("[start/data-dir] a data directory belongs to one process; the second is refused with 69", async (context) => {
  const directory = temporaryDirectory(context);
  const { leveret } = await startLeveret(context, ["--data-dir", directory]);
  const second = new LeveretProcess(context, ["start", "--port", "0", "--data-dir", directory]);
  assert.equal(await second.ended, 69);
  assert.match(second.stderr, new RegExp(`^leveret: .*${directory}`));
  leveret.signal("SIGTERM");
  assert.equal(await leveret.ended, 0);
});

test("[start/data-dir] what is durable is there again after a stop", async (context) => {
  const args = ["--data-dir", temporaryDirectory(context)];
  const first = await startLeveret(context, args);
  const client = await new AMQPClient(first.url).connect();
  const channel = await client.channel();
  await channel.queueDeclare("kept", { durable: true });
  await channel.confirmSelect();
  await channel.basicPublish("", "kept", "hello", { deliveryMode: 2 });
  await client.close();
  first.leveret.signal("SIGTERM");
  assert.equal(await first.leveret.ended, 0);

  const second = await startLeveret(context, args);
  const again = await new AMQPClient(second.url).connect();
  const message = await (await again.channel()).basicGet("kept", { noAck: true });
  assert.equal(message?.bodyString(), "hello");
  await again.close();
});

test("[start/log] the port and the data directory are in the line that says it listens", async (context) => {
  const directory = temporaryDirectory(context);
  const { leveret, port, url } = await startLeveret(context, ["--data-dir", directory]);
  const line = await leveret.logLine("listening");
  assert.equal(url, `amqp://guest:guest@127.0.0.1:${port}`);
  assert.deepEqual([line["host"], line["data"]], ["127.0.0.1", directory]);
});

test("[start/log] in the readable form it says how to connect", async (context) => {
  const leveret = new LeveretProcess(context, ["start", "--memory", "--port", "0", "--log-format", "pretty"]);
  while (!leveret.stdout.includes("connect")) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match(leveret.stdout, /Leveret \S+ listens on 127.0.0.1:\d+\n {2}data {5}in memory.*\n {2}connect {2}amqp:/);
  leveret.signal("SIGTERM");
  assert.equal(await leveret.ended, 0);
});

/** A client that is connected and then reads nothing more. */
async function connectDeafClient(url: string): Promise<void> {
  const client = new AMQPClient(url);
  client.onerror = () => {};
  await client.connect();
  client.socket?.pause();
}
