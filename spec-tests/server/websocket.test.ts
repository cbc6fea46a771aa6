import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type TestContext, test } from "node:test";
import { type ClientOptions, WebSocket } from "ws";
import type { RunningServer } from "../../src/server/lifecycle.ts";
import { dial, readAll } from "../support/dial.ts";
import { openServer } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestAuthority, writtenFile } from "../support/test-certificates.ts";
import { openWebSocketClient } from "../support/websocket-client.ts";

const AMQP_0_9_1 = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");

test("[websocket/0-9-1] amqp-client's browser client passes a message, over ws and wss", async (context) => {
  const authority = new TestAuthority();
  const { certificate, key } = authority.issue();
  const tlsCertificate = writtenFile(temporaryDirectory(context), "server.pem", certificate + key);
  const server = await openServer(context, { tlsCertificate, httpPort: 0 });
  const [, , ...urls] = server.urls;
  assert.deepEqual(
    urls.map((url) => new URL(url).protocol),
    ["ws:", "wss:"],
  );
  for (const url of [...urls, `ws://127.0.0.1:${server.port}/ws/amqp`]) {
    const client = await openWebSocketClient(url, { ca: authority.certificate });
    const channel = await client.channel();
    await channel.confirmSelect();
    const { name } = await channel.queueDeclare("");
    await channel.basicPublish("", name, new Uint8Array(300_000).fill(7));
    const message = await channel.basicGet(name);
    assert.equal(message?.bodySize, 300_000);
    await client.close();
  }
});

test("[websocket/subprotocol] amqp, AMQPWSB10, binary or none is agreed on; another is 400", async (context) => {
  const server = await openServer(context);
  for (const [offered, agreed] of [
    [["amqp"], "amqp"],
    [["binary", "AMQPWSB10", "amqp"], "amqp"],
    [["binary"], "binary"],
    [["mqtt", "AMQPWSB10"], "AMQPWSB10"],
    [[], ""],
  ] as const) {
    const socket = await open(context, server, {}, offered);
    assert.equal(socket.protocol, agreed);
    assert.equal(socket.extensions, "", "messages are not compressed");
  }
  assert.equal(await refusalStatus(context, server, {}, ["mqtt"]), 400);
});

test("[websocket/path] /ws/amqp and /ws, with or without a query, and no other", async (context) => {
  const server = await openServer(context);
  for (const path of ["/ws/amqp", "/ws", "/ws/amqp?vhost=a"]) await open(context, server, {}, [], path);
  for (const path of ["/", "/ws/amqp/", "/ws/mqtt"]) {
    assert.equal(await refusalStatus(context, server, {}, [], path), 404, path);
  }
});

test("[websocket/http] what is no WebSocket handshake is told so", async (context) => {
  const server = await openServer(context);
  const status = async (request: string): Promise<string> => {
    const socket = await dial(context, server);
    const answer = readAll(socket);
    socket.write(`${request}\r\nHost: a\r\n\r\n`);
    return (await answer).toString().split("\r\n")[0] as string;
  };
  assert.equal(await status("GET /ws/amqp HTTP/1.1"), "HTTP/1.1 426 Upgrade Required");
  assert.equal(await status("GET /elsewhere HTTP/1.1"), "HTTP/1.1 404 Not Found");
  assert.equal(await status("GET nonsense"), "HTTP/1.1 400 Bad Request");
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket";
  assert.equal(await status(`GET /ws/amqp HTTP/1.1\r\n${upgrade}`), "HTTP/1.1 400 Bad Request");
  assert.equal(await status(`POST /ws/amqp HTTP/1.1\r\n${upgrade}`), "HTTP/1.1 405 Method Not Allowed");
  const header = `GET /ws/amqp HTTP/1.1\r\nX: ${"x".repeat(20_000)}`;
  assert.equal(await status(header), "HTTP/1.1 431 Request Header Fields Too Large");
});

test("[websocket/origin] a page from elsewhere is 403 unless websocketOrigins names it", async (context) => {
  const strict = await openServer(context);
  await open(context, strict, { origin: `http://127.0.0.1:${strict.port}` });
  assert.equal(await refusalStatus(context, strict, { origin: "https://app.example" }), 403);
  const lenient = await openServer(context, { websocketOrigins: ["https://app.example"] });
  await open(context, lenient, { origin: "https://app.example" });
  assert.equal(await refusalStatus(context, lenient, { origin: "https://evil.example" }), 403);
});

test("[websocket/limits] beyond connectionsMax it is 503", async (context) => {
  const server = await openServer(context, { connectionsMax: 1 });
  const first = await openWebSocketClient(`ws://127.0.0.1:${server.port}/ws/amqp`);
  assert.equal(await refusalStatus(context, server), 503);
  await first.close();
});

test("[websocket/limits] a message larger than websocketMessageBytesMax closes with 1009, text with 1003", async (context) => {
  const server = await openServer(context, { websocketMessageBytesMax: 4096, frameBytesMax: 8192 });
  const large = await open(context, server);
  large.send(Buffer.alloc(8192 + 9));
  assert.equal((await once(large, "close"))[0], 1009);
  const text = await open(context, server);
  text.send("AMQP\x00\x00\x09\x01");
  assert.equal((await once(text, "close"))[0], 1003);
});

test("[websocket/limits] a client that says nothing on its WebSocket is dropped after the handshake time limit", async (context) => {
  const server = await openServer(context, { handshakeTimeoutMilliseconds: 100 });
  const socket = await open(context, server);
  assert.equal((await once(socket, "close"))[0], 1006);
});

test("[websocket/octets] messages are a stream: a protocol header may come octet by octet", async (context) => {
  const socket = await open(context, await openServer(context));
  for (const octet of AMQP_0_9_1) socket.send(Buffer.of(octet));
  const [start] = (await once(socket, "message")) as [Buffer];
  assert.equal(start[0], 1);
});

test("[websocket/octets] octets that nobody understands are answered with AMQP 0 0 9 1 and the end", async (context) => {
  const socket = await open(context, await openServer(context));
  const messages: Buffer[] = [];
  socket.on("message", (data: Buffer) => messages.push(data));
  socket.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  assert.equal((await once(socket, "close"))[0], 1000);
  assert.deepEqual(Buffer.concat(messages), AMQP_0_9_1);
});

test("[websocket/close] a server that closes tells its WebSocket clients 320 and says goodbye", async (context) => {
  const server = await openServer(context);
  const client = await openWebSocketClient(`ws://127.0.0.1:${server.port}/ws/amqp`);
  const told = new Promise<string>((resolve) => {
    client.onerror = (error) => resolve(error.message);
  });
  await server.close();
  assert.match(await told, /CONNECTION_FORCED/);
});

test("[websocket/backpressure] a client that does not read is sent no more than its share, and gets everything later", async (context) => {
  const server = await openServer(context, { outboxBytesMax: 65_536 });
  const client = await openWebSocketClient(`ws://127.0.0.1:${server.port}/ws/amqp`);
  const channel = await client.channel();
  const { name } = await channel.queueDeclare("slow", { durable: false, autoDelete: false });
  const body = new Uint8Array(100_000);
  for (let index = 0; index < 100; index++) await channel.basicPublish("", name, body);
  let received = 0;
  const socket = (client as unknown as { socket: WebSocket }).socket;
  await channel.basicConsume(name, { noAck: true }, () => {
    if (received++ === 0) socket.pause();
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const atRest = (await channelCount(server, name)).messageCount;
  assert(atRest > 10, `${atRest} of 100 messages wait in the queue`);
  socket.resume();
  while (received < 100) await new Promise((resolve) => setTimeout(resolve, 5));
  await client.close();
});

async function channelCount(server: RunningServer, queue: string): Promise<{ messageCount: number }> {
  const client = await openWebSocketClient(`ws://127.0.0.1:${server.port}/ws/amqp`);
  const channel = await client.channel();
  const counts = await channel.queueDeclare(queue, { passive: true });
  await client.close();
  return counts;
}

async function open(
  context: TestContext,
  server: RunningServer,
  options: ClientOptions = {},
  subprotocols: readonly string[] = [],
  path = "/ws/amqp",
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, [...subprotocols], options);
  context.after(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

async function refusalStatus(
  context: TestContext,
  server: RunningServer,
  options: ClientOptions = {},
  subprotocols: readonly string[] = [],
  path = "/ws/amqp",
): Promise<number | undefined> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, [...subprotocols], options);
  context.after(() => socket.terminate());
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  return response.statusCode;
}
