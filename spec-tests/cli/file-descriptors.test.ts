import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { dial } from "../support/dial.ts";
import { startLeveret } from "./leveret-process.ts";

/** Loading the broker takes some 200. */
const FILES_MAX = 400;
const WITH_FEW_FILES = ["sh", "-c", `ulimit -n ${FILES_MAX}; exec "$@"`, "sh"];
const AMQP_1_0_SASL = Buffer.from("AMQP\x03\x01\x00\x00", "latin1");

test("[start/file descriptors] with none left, the first clients of AMQP 1.0 and WebSocket are served nevertheless", async (context) => {
  const { leveret, port } = await startLeveret(context, ["--memory", "--log-level", "debug"], WITH_FEW_FILES);
  await leveret.logLine("every protocol is loaded");
  const endpoint = { host: "127.0.0.1", port };
  const [amqp10, webSocket] = [await dial(context, endpoint), await dial(context, endpoint)];
  await takeAllFiles(context, port);
  assert.deepEqual((await firstAnswer(amqp10, AMQP_1_0_SASL)).subarray(0, 8), AMQP_1_0_SASL);
  assert.match((await firstAnswer(webSocket, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n")).toString(), /^HTTP\/1.1 426 /);
});

/** Connects until a client is turned away for want of a file descriptor. */
async function takeAllFiles(context: TestContext, port: number): Promise<void> {
  let turnedAway = (): void => {};
  const refused = new Promise<void>((resolve) => {
    turnedAway = resolve;
  });
  for (let count = 0; count < FILES_MAX; count++) {
    const socket = connect(port, "127.0.0.1");
    context.after(() => socket.destroy());
    socket.on("error", () => {}).on("close", () => turnedAway());
  }
  await refused;
}

async function firstAnswer(socket: Socket, octets: Buffer | string): Promise<Buffer> {
  const ended = once(socket, "close").then(() => [Buffer.alloc(0)]);
  const answer = Promise.race([once(socket, "data"), ended]);
  socket.write(octets);
  return (await answer)[0] as Buffer;
}
