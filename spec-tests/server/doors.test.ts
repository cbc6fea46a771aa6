import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { RunningServer } from "../../src/server/lifecycle.ts";
import { StartError } from "../../src/server/start-error.ts";
import { dial, readAll } from "../support/dial.ts";
import { handshake } from "../support/handshake.ts";
import { RawClient } from "../support/raw-client.ts";
import { keepingLogger, openServer } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const AMQP_0_9_1 = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");
const AMQP_1_0_SASL = Buffer.from("AMQP\x03\x01\x00\x00", "latin1");
const WAIT_MILLISECONDS = 10_000;

test("[doors] one port speaks AMQP 0-9-1, AMQP 1.0 and HTTP", async (context) => {
  const server = await openServer(context);
  await passesMessage(await dial(context, server));
  assert.deepEqual((await answerTo(context, server, AMQP_1_0_SASL)).subarray(0, 8), AMQP_1_0_SASL);
  assert.match((await answerTo(context, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toString(), /^HTTP\/1.1 404 /);
});

for (const [what, octets] of [
  ["octets that nobody understands", "SSH-2.0-x\r\n"],
  ["a TLS ClientHello where there is no certificate", Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3])],
] as const) {
  test(`[doors] ${what} are answered with AMQP 0 0 9 1 and the end`, async (context) => {
    assert.deepEqual(await answerTo(context, await openServer(context), octets), AMQP_0_9_1);
  });
}

test("[doors] a client that says nothing, or not enough, is dropped after the handshake time limit", async (context) => {
  const { logger, lines } = keepingLogger();
  const server = await openServer(context, { handshakeTimeoutMilliseconds: 100, proxyProtocol: false }, logger);
  for (const octets of ["", "AMQ", "GET /ws/amqp HTTP/1.1\r\n"]) {
    assert.equal((await answerTo(context, server, octets, false)).length, 0, octets);
  }
  assert.equal(lines.filter(({ message }) => message === "handshake timed out").length, 3);
});

test("[doors] a client that goes before it has said anything leaves nothing behind", async (context) => {
  const server = await openServer(context);
  const socket = await dial(context, server);
  socket.end("AM");
  await once(socket.resume(), "close");
  await passesMessage(await dial(context, server));
});

test("[doors/protocols] what a listener may not speak is refused there", async (context) => {
  const only = (protocol: string) => openServer(context, { protocols: [protocol] });
  assert.deepEqual(await answerTo(context, await only("amqp"), AMQP_1_0_SASL), AMQP_0_9_1);
  assert.deepEqual(await answerTo(context, await only("amqp"), "GET / HTTP/1.1\r\n\r\n"), AMQP_0_9_1);
  const refusal = (await answerTo(context, await only("amqp1"), AMQP_0_9_1)).subarray(0, 8);
  assert.deepEqual(refusal, AMQP_1_0_SASL);
  assert.match((await answerTo(context, await only("websocket"), AMQP_0_9_1)).toString(), /^HTTP\/1.1 400 /);
});

test("[listeners] further ports and a Unix socket lead to the same broker", async (context) => {
  const directory = temporaryDirectory(context);
  const socketPath = join(directory, "leveret.sock");
  const path = join(directory, "second.sock");
  const server = await openServer(context, {
    httpPort: 0,
    socketPath,
    listeners: [
      { port: 0, protocols: ["amqp"] },
      { path, mode: "600" },
    ],
  });
  const { urls } = server;
  assert.equal(urls[0], server.url);
  assert.match(urls[1] ?? "", /^ws:\/\/127.0.0.1:\d+\/ws\/amqp$/);
  assert.deepEqual([urls[2], urls[4]], [socketPath, path]);
  assert.deepEqual([statSync(socketPath).mode & 0o777, statSync(path).mode & 0o777], [0o660, 0o600]);
  const port = Number(new URL(urls[3] as string).port);
  for (const where of [{ host: "127.0.0.1", port }, { path: socketPath }, { path }]) {
    await passesMessage(await dial(context, where));
  }
  const httpPort = Number(new URL(urls[1] as string).port);
  assert.match(
    (await answerTo(context, { host: "127.0.0.1", port: httpPort }, AMQP_0_9_1)).toString(),
    /^HTTP\/1.1 400/,
  );
});

test("[listeners] when one cannot be opened, none stays open, and the message says which", async (context) => {
  const taken = await openServer(context);
  const { port } = await openServer(context);
  const directory = temporaryDirectory(context);
  const socketPath = join(directory, "leveret.sock");
  const listeners = [{ port: taken.port }];
  await assert.rejects(openServer(context, { socketPath, listeners }), (error) => {
    assert(error instanceof StartError);
    assert.equal(
      error.message,
      `127.0.0.1:${taken.port} is in use by another process; choose another port with the option listeners[0]`,
    );
    return true;
  });
  assert.throws(() => statSync(socketPath), { code: "ENOENT" });
  await assert.rejects(openServer(context, { socketPath: directory }), /is there already, and is no socket/);
  await assert.rejects(openServer(context, { socketPath: join(directory, "x".repeat(200)) }), /at most 107 octets/);
  await passesMessage(await dial(context, { host: "127.0.0.1", port }));
});

test("[listeners] a server that closes drops those who have not said yet what they speak", async (context) => {
  const server = await openServer(context);
  const silent = await dial(context, server);
  const half = await dial(context, server);
  half.write("GET /ws/amqp HTTP/1.1\r\n");
  const closed = Promise.all([once(silent.resume(), "close"), once(half.resume(), "close")]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await server.close();
  await closed;
});

/** Logs in as guest and gets back what it has published. */
async function passesMessage(socket: Socket): Promise<void> {
  const client = new RawClient(socket, WAIT_MILLISECONDS);
  await handshake(client);
  await client.call(1, "channel.open");
  const { queue } = await client.call(1, "queue.declare", { exclusive: true });
  client.publish(1, { routingKey: queue }, "hello");
  assert.equal((await client.get(1, { queue, noAck: true }))?.body.toString(), "hello");
  await client.close();
}

/** What comes back until the server ends the connection; the client ends its side unless told. */
async function answerTo(
  context: TestContext,
  { host, port }: Pick<RunningServer, "host" | "port">,
  octets: Buffer | string,
  ends = true,
): Promise<Buffer> {
  const socket = await dial(context, { host, port });
  const answer = readAll(socket);
  socket.write(octets);
  if (ends) await once(socket, "data");
  if (ends) socket.end();
  return answer;
}
