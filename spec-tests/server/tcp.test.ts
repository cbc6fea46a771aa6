import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import type { Duplex } from "node:stream";
import { type LogFields, type Logger, silentLogger } from "../../src/lib/logger.ts";
import { formatEndpoint, isLoopbackAddress, type PeerInfo } from "../../src/lib/peer-info.ts";
import { ListenError, TcpListener, type TcpListenerOptions } from "../../src/transport/tcp.ts";

test("[tcp/peer] a stream comes with the addresses of both ends", async (context) => {
  const accepted: PeerInfo[] = [];
  const listener = await open(context, { onConnection: (_stream, peer) => accepted.push(peer) });
  const client = await dial(context, listener);
  await until(() => accepted.length === 1);
  assert.deepEqual(accepted[0], {
    host: "127.0.0.1",
    port: client.localPort,
    localHost: "127.0.0.1",
    localPort: listener.port,
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
  const { port } = await open(context);
  await assert.rejects(open(context, { port }), (error) => {
    assert(error instanceof ListenError);
    assert.equal(error.code, "EADDRINUSE");
    assert.match(error.message, new RegExp(`cannot listen on 127.0.0.1:${port}: `));
    return true;
  });
});

test("[tcp/limit] sockets beyond the limit are dropped, and reported once", async (context) => {
  const warnings: LogFields[] = [];
  const logger: Logger = { ...silentLogger, warn: (_message, fields = {}) => warnings.push(fields) };
  const listener = await open(context, { socketsMax: 1, logger });
  const first = await dial(context, listener);
  for (const attempt of [1, 2]) {
    const refused = await dial(context, listener);
    await once(refused.resume(), "close");
    assert.equal(first.destroyed, false, `attempt ${attempt}`);
  }
  assert.deepEqual(warnings, [{ socketsMax: 1 }]);
  first.destroy();
  await once(first, "close");
  await until(async () => !(await isDropped(context, listener)));
});

test("[tcp/errors] a client that resets its connection does no harm", async (context) => {
  const streams: Duplex[] = [];
  const listener = await open(context, { onConnection: (stream) => streams.push(stream.resume()) });
  const client = await dial(context, listener);
  await until(() => streams.length === 1);
  client.resetAndDestroy();
  await until(() => streams[0]?.destroyed === true);
  await dial(context, listener);
  await until(() => streams.length === 2);
});

test("[tcp/close] stop() refuses new clients and leaves the others; destroyConnections() drops those", async (context) => {
  const listener = await open(context);
  const client = await dial(context, listener);
  listener.stop();
  await assert.rejects(dial(context, listener), { code: "ECONNREFUSED" });
  assert.equal(client.destroyed, false);
  listener.destroyConnections();
  await once(client.resume(), "close");
});

async function open(context: TestContext, options: Partial<TcpListenerOptions> = {}): Promise<TcpListener> {
  const listener = await TcpListener.open({
    host: "127.0.0.1",
    port: 0,
    socketsMax: 100,
    logger: silentLogger,
    onConnection: (stream) => stream.on("end", () => stream.end()).resume(),
    ...options,
  });
  context.after(() => {
    listener.stop();
    listener.destroyConnections();
  });
  return listener;
}

async function dial(context: TestContext, { host, port }: TcpListener): Promise<Socket> {
  const socket = connect(port, host);
  context.after(() => socket.destroy());
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** Whether the listener closes a new connection at once. */
async function isDropped(context: TestContext, listener: TcpListener): Promise<boolean> {
  const socket = (await dial(context, listener)).resume();
  const kept = new Promise<false>((resolve) => setTimeout(resolve, 50, false));
  return Promise.race([once(socket, "close").then(() => true), kept]);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}
