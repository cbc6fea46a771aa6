import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { test } from "node:test";
import { encodeContent } from "../../src/wire/content.ts";
import { FRAME_HEADER } from "../../src/wire/frame.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import { encodeProperties } from "../../src/wire/properties.ts";
import { startLeveret } from "../cli/leveret-process.ts";
import { forEachFrame, frameBytes } from "../support/raw-frames.ts";
import { tcpClient } from "../support/tcp-client.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const MEBIBYTE = 1024 * 1024;
const MESSAGE_BYTES_MAX = 16 * MEBIBYTE;
const BODY_BYTES = 10_000;
const FLOOD_MESSAGES = 20_000;
const FLOOD_BATCH = 100;
const CHANNELS = 200;

const linuxOnly = { skip: process.platform !== "linux" };

/** Octets of memory of a process that are not pages of a file. */
function anonymousBytes(pid: number): number {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  assert(match !== null);
  return Number(match[1]) * 1024;
}

/** `count` publishes of `bodyBytes` octets each to a queue, on channel 1. */
function publishes(queue: string, bodyBytes: number, count: number): Buffer {
  const address = { reserved1: 0, exchange: "", routingKey: queue, mandatory: false, immediate: false };
  const content = encodeContent(encodeProperties({}), Buffer.alloc(bodyBytes), 131_072);
  forEachFrame(content, (start) => content.writeUInt16BE(1, start + 1));
  const one = Buffer.concat([encodeMethodFrame(1, "basic.publish", address), content]);
  return Buffer.concat(new Array<Buffer>(count).fill(one));
}

async function writeAll(socket: Socket, octets: Buffer): Promise<void> {
  if (!socket.write(octets)) await once(socket, "drain");
}

test("[limits/memory] a backlog and a consumer that does not read take a bounded part of it", linuxOnly, async (t) => {
  const { leveret, port } = await startLeveret(t, ["--data-dir", temporaryDirectory(t)]);
  const { client: slow, socket } = await tcpClient(t, port);
  await slow.call(1, "queue.declare", { queue: "q", durable: true });
  await slow.call(1, "basic.consume", { queue: "q", noAck: true });
  socket.pause();
  const { client: publisher, socket: publishing } = await tcpClient(t, port);
  const { client: other } = await tcpClient(t, port);
  const batch = publishes("q", BODY_BYTES, FLOOD_BATCH);
  let bytesMax = 0;
  for (let sent = 0; sent < FLOOD_MESSAGES; sent += FLOOD_BATCH) {
    await writeAll(publishing, batch);
    bytesMax = Math.max(bytesMax, anonymousBytes(leveret.pid));
  }
  await other.call(1, "queue.declare", { queue: "other", exclusive: true });
  const { messageCount } = await publisher.call(1, "queue.declare", { queue: "q", passive: true });
  assert(messageCount > FLOOD_MESSAGES * 0.9, `${messageCount} messages are ready`);
  assert(bytesMax < 250 * MEBIBYTE, `${Math.round(bytesMax / MEBIBYTE)} MiB for ${FLOOD_MESSAGES} messages`);
});

test("[limits/memory] a body that is announced and does not come takes no memory", linuxOnly, async (t) => {
  const { leveret, port } = await startLeveret(t, ["--memory"]);
  const { client } = await tcpClient(t, port);
  for (let channel = 2; channel <= CHANNELS; channel++) await client.call(channel, "channel.open");
  const before = anonymousBytes(leveret.pid);
  const header = Buffer.alloc(14);
  header.writeUInt16BE(60, 0);
  header.writeBigUInt64BE(BigInt(MESSAGE_BYTES_MAX), 4);
  for (let channel = 1; channel <= CHANNELS; channel++) {
    client.send(channel, "basic.publish", { routingKey: "nowhere" });
    client.write(frameBytes(FRAME_HEADER, channel, header));
  }
  await client.call(CHANNELS + 1, "channel.open");
  const bytes = anonymousBytes(leveret.pid) - before;
  assert(bytes < 16 * MEBIBYTE, `${Math.round(bytes / MEBIBYTE)} MiB`);
});
