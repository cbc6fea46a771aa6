import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import type { NetConnectOpts, Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LogFields, type Logger, silentLogger } from "../../src/lib/logger.ts";
import { formatEndpoint, isLoopbackAddress, type PeerInfo } from "../../src/lib/peer-info.ts";
import { OpenSockets } from "../../src/transport/open-sockets.ts";
import {
  ListenError,
  SocketListener,
  type SocketListenerOptions,
  type TcpEndpoint,
} from "../../src/transport/socket-listener.ts";
import { dial } from "../support/dial.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const MODE = 0o660;

test("[tcp/peer] a socket comes with the addresses of both ends", async (context) => {
  const accepted: PeerInfo[] = [];
  const listener = await open(context, { onConnection: (_socket, peer) => accepted.push(peer) });
  const client = await dial(context, listener.endpoint);
  await until(() => accepted.length === 1);
  assert.deepEqual(accepted[0], {
    host: "127.0.0.1",
    port: client.localPort,
    localHost: "127.0.0.1",
    localPort: (listener.endpoint as TcpEndpoint).port,
    loopback: true,
  });
});

test("[tcp/peer] loopback is 127.0.0.0/8 and ::1, mapped addresses included", () => {
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
    assert(isLoopbackAddress(address), address);
  for (const address of ["10.0.0.1", "::", "::ffff:10.0.0.1", "1270.0.0.1", "fe80::1"]) {
    assert(!isLoopbackAddress(address), address);
  }
});

test("[tcp/peer] an IPv6 endpoint is written in brackets", () => {
  assert.equal(formatEndpoint("::1", 5672), "[::1]:5672");
  assert.equal(formatEndpoint("localhost", 5672), "localhost:5672");
});

test("[tcp/listen] a port in use is an error that says where", async (context) => {
  const { endpoint } = await open(context);
  await assert.rejects(open(context, { endpoint }), (error) => {
    assert(error instanceof ListenError);
    assert.equal(error.code, "EADDRINUSE");
    assert.match(error.message, new RegExp(`cannot listen on 127.0.0.1:${(endpoint as TcpEndpoint).port}: `));
    return true;
  });
});

test("[sockets/limit] sockets beyond the limit are dropped, and reported once; listeners share the limit", async (context) => {
  const warnings: LogFields[] = [];
  const logger: Logger = { ...silentLogger, warn: (_message, fields = {}) => warnings.push(fields) };
  const sockets = new OpenSockets(1, logger);
  const listeners = [await open(context, { sockets }), await open(context, { sockets })] as const;
  const first = await dial(context, listeners[0].endpoint);
  for (const { endpoint } of listeners) {
    const refused = await dial(context, endpoint);
    await once(refused.resume(), "close");
    assert.equal(first.destroyed, false);
  }
  assert.deepEqual(warnings, [{ socketsMax: 1 }]);
  first.destroy();
  await once(first, "close");
  await until(async () => !(await isDropped(context, listeners[1].endpoint)));
});

test("[tcp/errors] a client that resets its connection does no harm", async (context) => {
  const accepted: Socket[] = [];
  const { endpoint } = await open(context, { onConnection: (socket) => accepted.push(socket.resume()) });
  const client = await dial(context, endpoint);
  await until(() => accepted.length === 1);
  client.resetAndDestroy();
  await until(() => accepted[0]?.destroyed === true);
  await dial(context, endpoint);
  await until(() => accepted.length === 2);
});

test("[tcp/close] stop() refuses new clients and leaves the others; destroyAll() drops those", async (context) => {
  const sockets = new OpenSockets(10, silentLogger);
  const listener = await open(context, { sockets });
  const client = await dial(context, listener.endpoint);
  listener.stop();
  await assert.rejects(dial(context, listener.endpoint), { code: "ECONNREFUSED" });
  assert.equal(client.destroyed, false);
  sockets.destroyAll();
  await once(client.resume(), "close");
});

test("[unix] a client is on this machine; the file has the permissions asked for and goes with the listener", async (context) => {
  const path = join(temporaryDirectory(context), "leveret.sock");
  const accepted: PeerInfo[] = [];
  const listener = await open(context, {
    endpoint: { path, mode: MODE },
    onConnection: (_socket, peer) => accepted.push(peer),
  });
  assert.equal(statSync(path).mode & 0o777, MODE);
  await dial(context, { path });
  await until(() => accepted.length === 1);
  assert.equal(accepted[0]?.loopback, true);
  assert.equal(accepted[0]?.host, "127.0.0.1");
  listener.stop();
  assert.equal(existsSync(path), false);
});

test("[unix] a socket that a killed process has left is replaced", async (context) => {
  const path = join(temporaryDirectory(context), "leveret.sock");
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script], { timeout: 10_000 });
  assert(statSync(path).isSocket());
  await open(context, { endpoint: { path, mode: MODE } });
  await dial(context, { path });
});

test("[unix] a socket that somebody listens on, or a file that is none, is left alone", async (context) => {
  const directory = temporaryDirectory(context);
  const path = join(directory, "leveret.sock");
  await open(context, { endpoint: { path, mode: MODE } });
  await assert.rejects(open(context, { endpoint: { path, mode: MODE } }), { code: "EADDRINUSE" });
  await dial(context, { path });

  const file = join(directory, "file");
  writeFileSync(file, "precious");
  await assert.rejects(open(context, { endpoint: { path: file, mode: MODE } }), { code: "EEXIST" });
  assert(existsSync(file));
});

async function open(context: TestContext, options: Partial<SocketListenerOptions> = {}): Promise<SocketListener> {
  const sockets = options.sockets ?? new OpenSockets(100, silentLogger);
  const listener = await SocketListener.open({
    endpoint: { host: "127.0.0.1", port: 0 },
    logger: silentLogger,
    onConnection: (socket) => socket.on("end", () => socket.end()).resume(),
    ...options,
    sockets,
  });
  context.after(() => {
    listener.stop();
    sockets.destroyAll();
  });
  return listener;
}

/** Whether the listener closes a new connection at once. */
async function isDropped(context: TestContext, where: NetConnectOpts): Promise<boolean> {
  const socket = (await dial(context, where)).resume();
  const kept = new Promise<false>((resolve) => setTimeout(resolve, 50, false));
  return Promise.race([once(socket, "close").then(() => true), kept]);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}
