// Checks what a newcomer does: a clone of the last commit is started with one command, and the packed package is
// installed as a command. Prints each step; exits with 1 when one fails.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectSocket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";

const ROOT = join(import.meta.dirname, "..");
/** Installing and building for the first time. */
const PREPARE_MILLISECONDS_MAX = 240_000;
const STOP_MILLISECONDS_MAX = 10_000;
const POLL_MILLISECONDS = 100;

const scratch = mkdtempSync(join(tmpdir(), "leveret-fresh-clone-"));
const clone = join(scratch, "clone");
/** Leaders of process groups that have not been seen to end as they should. */
const running = new Set();
process.once("SIGTERM", () => {
  cleanUp();
  process.exit(1);
});

try {
  run("git", ["clone", "--quiet", ROOT, clone], scratch);
  const port = String(await freePort());
  await checkBroker("npm", ["start", "--", "--memory", "--port", port], clone, port, "SIGTERM");
  await checkBroker("npm", ["start", "--", "--port", port], clone, port, "SIGINT");

  const tarball = run("npm", ["pack", "--silent", "--pack-destination", scratch], clone).trim().split("\n").at(-1);
  const contents = run("tar", ["-tzf", join(scratch, tarball)], scratch);
  assert.doesNotMatch(contents, /\.test\.|spec-tests\/|package\/(?:dist\/)?conformance\//, "the package contains no tests");
  const prefix = join(scratch, "prefix");
  run("npm", ["install", "--silent", "--global", "--prefix", prefix, join(scratch, tarball)], scratch);
  const command = join(prefix, "bin/leveret");
  assert.match(run(command, ["--version"], scratch), /^\d+\.\d+\.\d+$/m);
  await checkBroker(command, ["start", "--port", port, "--data-dir", join(scratch, "data")], scratch, port, "SIGTERM");
  say("a fresh clone and the installed package work");
} finally {
  cleanUp();
}

function cleanUp() {
  for (const child of running) killGroup(child.pid);
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}

/** Kills what is left of a process group; that there is nothing left is as good. */
function killGroup(leader) {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Starts a broker, sends a message through it, and stops it. */
async function checkBroker(command, args, directory, port, signal) {
  say([command, ...args].join(" "));
  const startedAt = performance.now();
  // A group of its own, so that nothing it has started can be left behind.
  const child = spawn(command, args, { cwd: directory, stdio: ["ignore", "inherit", "inherit"], detached: true });
  running.add(child);
  const exited = new Promise((resolve) => child.once("exit", (status, by) => resolve(status ?? by)));
  await Promise.race([
    untilListening(Number(port)),
    exited.then((status) => assert.fail(`it exited with ${status} before it listened`)),
  ]);
  say(`  listens after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  await roundTrip(`amqp://127.0.0.1:${port}`);
  child.kill(signal);
  const status = await Promise.race([exited, sleep(STOP_MILLISECONDS_MAX, "nothing: it still runs", { ref: false })]);
  assert.equal(status, 0, `${signal} must end it with 0`);
  running.delete(child);
  say(`  stopped by ${signal}`);
}

async function roundTrip(url) {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue("fresh-clone", { durable: true, autoDelete: false });
  channel.sendToQueue(queue, Buffer.from("hello"), { persistent: true });
  await channel.waitForConfirms();
  const message = await channel.get(queue, { noAck: true });
  assert.equal(message.content.toString(), "hello");
  await connection.close();
}

async function untilListening(port) {
  const deadline = performance.now() + PREPARE_MILLISECONDS_MAX;
  while (performance.now() < deadline) {
    if (await accepts(port)) return;
    await sleep(POLL_MILLISECONDS);
  }
  assert.fail(`nothing listens on port ${port}`);
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connectSocket(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function run(command, args, directory) {
  say([command, ...args].join(" "));
  return execFileSync(command, args, {
    cwd: directory,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: PREPARE_MILLISECONDS_MAX,
  });
}

function say(text) {
  process.stdout.write(`fresh clone: ${text}\n`);
}
