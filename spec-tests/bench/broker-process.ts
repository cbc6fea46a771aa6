import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../../src/client/client.ts";
import { parseBrokerUri } from "../../src/perf/broker-uri.ts";
import { openSocket } from "../../src/perf/socket.ts";
import { processListeningOn } from "./process-usage.ts";

const READY_MILLISECONDS_MAX = 60_000;
const POLL_MILLISECONDS = 10;
const STOP_MILLISECONDS_MAX = 20_000;
const OWNER_ATTEMPTS = 50;

/** A broker that is running. */
export interface RunningBroker {
  readonly name: string;
  /** As it says of itself. */
  readonly version: string;
  readonly uri: string;
  /** undefined when it is not on this machine. */
  readonly pid: number | undefined;
  /** From the start of its process to the first connection it accepted; undefined when it ran before. */
  readonly readyMilliseconds: number | undefined;
  stop(): Promise<void>;
  /** Ends it without a warning, and keeps its directory; nothing happens to a broker that somebody else has started. */
  kill(): Promise<void>;
}

/** How to run a broker's program. */
export interface BrokerProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly port: number;
  /** Everything it leaves behind; removed at the end. */
  readonly directory: string;
  /** Ports of helper processes that outlive it, and are to be stopped with it. */
  readonly helperPorts: readonly number[];
}

/** A new directory for what a broker keeps. */
export function scratchDirectory(): string {
  return mkdtempSync(join(tmpdir(), "leveret-bench-"));
}

/** A TCP port that is free at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return address.port;
}

/** Starts a broker's program and waits until it accepts connections. */
export async function startProgram(program: BrokerProgram): Promise<RunningBroker> {
  const { name, command, args, environment, port, directory, helperPorts } = program;
  const startedAt = performance.now();
  // A process group of its own, so that what it starts is stopped with it.
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: "ignore", detached: true });
  const clear = (signal: NodeJS.Signals): void => {
    for (const helper of helperPorts.map(processListeningOn)) if (helper !== undefined) process.kill(helper, signal);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const abandon = (): void => {
    if (isRunning(child)) process.kill(groupOf(child), "SIGKILL");
    clear("SIGKILL");
  };
  process.once("exit", abandon);
  const stop = async (): Promise<void> => {
    await stopGroup(child, "SIGTERM");
    process.off("exit", abandon);
    clear("SIGTERM");
  };
  const kill = async (): Promise<void> => {
    await stopGroup(child, "SIGKILL");
    process.off("exit", abandon);
  };
  try {
    const uri = `amqp://127.0.0.1:${port}`;
    const version = await untilReady(uri, child);
    const readyMilliseconds = performance.now() - startedAt;
    return { name, version, uri, pid: await listenerOn(port, child), readyMilliseconds, stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A broker that somebody else has started. */
export async function runningPeer(name: string, uri: string): Promise<RunningBroker> {
  const { port, host } = parseBrokerUri(uri);
  const isLocal = ["127.0.0.1", "localhost", "::1"].includes(host);
  const pid = isLocal ? processListeningOn(port) : undefined;
  return { name, version: await versionOf(uri), uri, pid, readyMilliseconds: undefined, stop: nothing, kill: nothing };
}

/** Opens a connection, does something on it and closes it. */
export async function withClient<T>(uri: string, act: (client: Client) => Promise<T>): Promise<T> {
  const address = parseBrokerUri(uri);
  const { username, password, vhost } = address;
  const client = await Client.connect(openSocket(address), { username, password, vhost, heartbeatSeconds: 0 });
  const result = await act(client);
  await client.close();
  return result;
}

function versionOf(uri: string): Promise<string> {
  return withClient(uri, async ({ serverProperties }) => String(serverProperties.get("version")?.value));
}

async function untilReady(uri: string, child: ChildProcess): Promise<string> {
  const deadline = performance.now() + READY_MILLISECONDS_MAX;
  let reason: unknown;
  while (performance.now() < deadline && isRunning(child)) {
    try {
      return await versionOf(uri);
    } catch (error) {
      reason = error;
      await sleep(POLL_MILLISECONDS);
    }
  }
  throw new Error(`${child.spawnfile} accepts no connections`, { cause: reason });
}

/**
 * The process that listens on the port: the one that was started, or one that it has started. Descriptors change while
 * they are looked at, so a port without an owner is looked at again.
 */
async function listenerOn(port: number, child: ChildProcess): Promise<number | undefined> {
  for (let attempt = 0; attempt < OWNER_ATTEMPTS; attempt++) {
    const pid = processListeningOn(port);
    if (pid !== undefined || !isRunning(child)) return pid;
    await sleep(POLL_MILLISECONDS);
  }
  return undefined;
}

async function nothing(): Promise<void> {}

async function stopGroup(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return;
  const group = groupOf(child);
  const exited = once(child, "exit");
  process.kill(group, signal);
  const timer = setTimeout(() => process.kill(group, "SIGKILL"), STOP_MILLISECONDS_MAX);
  await exited;
  clearTimeout(timer);
}

/** What stands for the process group of a detached child. */
function groupOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new TypeError("the process has not been started");
  return -pid;
}

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}
