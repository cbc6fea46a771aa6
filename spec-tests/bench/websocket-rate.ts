import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocket } from "ws";
import { startProgram } from "./broker-process.ts";
import { leveretProgram } from "./brokers.ts";
import { median } from "./report.ts";
import { StreamLoad } from "./stream-load.ts";

const BODY_BYTES = 100;
const USAGE = "node dist/spec-tests/bench/websocket-rate.js [--seconds S] [--rounds N]\n";

/** How the same messages get to the broker and back. */
const WAYS = [
  { name: "TCP, batches", open: openTcp, publishesPerWrite: 500 },
  { name: "WebSocket, batches", open: openWebSocket, publishesPerWrite: 500 },
  { name: "TCP, one write per message", open: openTcp, publishesPerWrite: 1 },
  { name: "WebSocket, one message per message", open: openWebSocket, publishesPerWrite: 1 },
] as const;

// Publishes with confirms on one connection and consumes on another, over TCP and over a WebSocket in turn.
const seconds = numberOption("--seconds", 2);
const rounds = numberOption("--rounds", 3);
const broker = await startProgram(await leveretProgram(["--memory"]));
try {
  const rates = new Map<string, number[]>(WAYS.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, open, publishesPerWrite } of WAYS) {
      const port = Number(new URL(broker.uri).port);
      rates.get(name)?.push(await rate(() => open(port), publishesPerWrite));
    }
  }
  for (const [index, { name }] of WAYS.entries()) {
    const own = rates.get(name) as number[];
    const ratios = own.map(
      (each, round) => each / (rates.get(WAYS[index - (index % 2)]?.name as string)?.[round] ?? 0),
    );
    process.stdout.write(`${name}: ${Math.round(median(own))} msg/s, ${median(ratios).toFixed(2)} of TCP\n`);
  }
} finally {
  await broker.stop();
}

async function rate(open: () => Promise<Duplex>, publishesPerWrite: number): Promise<number> {
  const [publisher, consumer] = [new StreamLoad(await open()), new StreamLoad(await open())];
  const queue = `websocket-rate-${Math.random()}`;
  await publisher.login();
  await consumer.login();
  await consumer.call("queue.declare", { queue, autoDelete: true });
  await consumer.call("basic.consume", { queue, noAck: true });
  await publisher.call("confirm.select");
  publisher.publish({ queue, bodyBytes: BODY_BYTES, publishesPerWrite });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const [from, start] = [consumer.messages, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const perSecond = ((consumer.messages - from) * 1000) / (performance.now() - start);
  publisher.destroy();
  consumer.destroy();
  return perSecond;
}

async function openTcp(port: number): Promise<Duplex> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

async function openWebSocket(port: number): Promise<Duplex> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/amqp`, "amqp", { perMessageDeflate: false });
  await once(socket, "open");
  return createWebSocketStream(socket);
}

function numberOption(name: string, defaultValue: number): number {
  const at = process.argv.indexOf(name);
  const value = at === -1 ? defaultValue : Number(process.argv[at + 1]);
  if (!(value > 0)) {
    process.stderr.write(USAGE);
    process.exit(64);
  }
  return value;
}
