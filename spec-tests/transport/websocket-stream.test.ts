import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { WebSocketStream } from "../../src/transport/websocket-stream.ts";

/** Sizes on both sides of what is joined, and empty messages. */
const SIZES = [1, 100, 0, 20_000, 3, 8191, 8192, 100_000, 1, 1, 0, 50_000];

test("[websocket/stream] messages of every size are read in order, as if they were joined, up to the end", async (context) => {
  const { client, stream } = await pair(context);
  const messages = SIZES.map((size, index) => Buffer.alloc(size, index + 1));
  for (const message of messages) client.send(message);
  client.close();
  const read: Buffer[] = [];
  for await (const chunk of stream) read.push(chunk as Buffer);
  assert.deepEqual(Buffer.concat(read), Buffer.concat(messages));
});

test("[websocket/stream] every write is a binary message, corked ones too, and the end is a close frame", async (context) => {
  const { client, stream } = await pair(context);
  const received: Buffer[] = [];
  client.on("message", (data: Buffer, isBinary) => {
    assert(isBinary);
    received.push(data);
  });
  stream.cork();
  for (const size of [10, 70_000, 1]) stream.write(Buffer.alloc(size, size % 251));
  stream.uncork();
  stream.end(Buffer.from("last"));
  assert.equal((await once(client, "close"))[0], 1000);
  assert.deepEqual(
    received.map(({ length }) => length),
    [10, 70_000, 1, 4],
  );
});

test("[websocket/stream] who does not read holds the other side back", async (context) => {
  const { client, stream } = await pair(context);
  const message = Buffer.alloc(1_000_000);
  for (let index = 0; index < 50; index++) client.send(message);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert(client.bufferedAmount > 10 * message.length, `${client.bufferedAmount} octets wait at the sender`);
  assert(stream.readableLength < 5 * message.length, `${stream.readableLength} octets wait at the reader`);
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  client.close();
  await once(stream, "end");
  assert.equal(bytes, 50 * message.length);
});

test("[websocket/stream] a client that is gone ends the stream; one that is destroyed drops the client", async (context) => {
  const gone = await pair(context);
  gone.client.terminate();
  await once(gone.stream.resume(), "end");
  const dropped = await pair(context);
  dropped.stream.destroy();
  assert.equal((await once(dropped.client, "close"))[0], 1006);
});

test("[websocket/stream] a socket that is cut closes the stream even while nobody reads", async (context) => {
  const { client, below, stream } = await pair(context);
  client.send(Buffer.alloc(100));
  await once(stream, "readable");
  stream.pause();
  below.destroy();
  await once(stream, "close");
});

test("[websocket/stream] text closes the WebSocket with 1003", async (context) => {
  const { client, stream } = await pair(context);
  stream.resume();
  client.send("text");
  assert.equal((await once(client, "close"))[0], 1003);
});

async function pair(context: TestContext): Promise<{ client: WebSocket; below: Duplex; stream: WebSocketStream }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  context.after(() => server.close());
  await once(server, "listening");
  const connected = once(server, "connection");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  context.after(() => client.terminate());
  const [[socket, { socket: below }]] = (await Promise.all([connected, once(client, "open")])) as [
    [WebSocket, IncomingMessage],
    unknown,
  ];
  return { client, below, stream: new WebSocketStream(socket, below) };
}
