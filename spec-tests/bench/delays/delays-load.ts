import { PerfConnection } from "../../../src/perf/connection.ts";
import type { Traffic } from "../../../src/perf/frame-scanner.ts";
import { ReadMemory } from "../../../src/perf/read-memory.ts";
import { encodeContent } from "../../../src/wire/content.ts";
import { encodeMethodFrame } from "../../../src/wire/method-codec.ts";
import { encodeProperties } from "../../../src/wire/properties.ts";

const FRAME_BYTES_MAX = 131_072;
const BATCH_MESSAGES = 100;
const UNCONFIRMED_MAX = 4_000;
const PREFETCH = 2_000;
const ACK_MESSAGES = 100;
const TYPE_AND_NAME_BYTES = "x-delay".length + 1;

export async function connect(port: number): Promise<PerfConnection> {
  return PerfConnection.open({
    address: { secure: false, host: "127.0.0.1", port, username: "guest", password: "guest", vhost: "/" },
    memory: new ReadMemory(),
    connections: new Set(),
    onFailure: (error) => {
      throw error;
    },
  });
}

/** What is published. */
export interface DelaysLoad {
  readonly exchange: string;
  readonly routingKey: string;
  readonly bodyBytes: number;
  readonly messages: number;
  /** The x-delay of message number `index`, in milliseconds. */
  readonly delay: (index: number) => number;
}

/** Publishes persistent messages and resolves when all are confirmed. */
export async function publish(connection: PerfConnection, load: DelaysLoad): Promise<void> {
  const { exchange, routingKey, bodyBytes, messages, delay } = load;
  const properties = { deliveryMode: 2, headers: new Map([["x-delay", { type: "signedint", value: 1 } as const]]) };
  const content = encodeContent(encodeProperties(properties), Buffer.alloc(bodyBytes, 0x61), FRAME_BYTES_MAX);
  const method = encodeMethodFrame(1, "basic.publish", { exchange, routingKey, mandatory: false, immediate: false });
  content.writeUInt16BE(1, 1);
  for (let at = content.readUInt32BE(3) + 8; at < content.length; at += content.readUInt32BE(at + 3) + 8) {
    content.writeUInt16BE(1, at + 1);
  }
  const message = Buffer.concat([method, content]);
  const delayAt = message.indexOf("x-delay") + TYPE_AND_NAME_BYTES;
  await new Promise<void>((resolve) => {
    let sent = 0;
    let confirmed = 0;
    let writing = false;
    const pump = (): void => {
      if (writing) return;
      const count = Math.min(BATCH_MESSAGES, messages - sent, UNCONFIRMED_MAX - (sent - confirmed));
      if (count < Math.min(BATCH_MESSAGES, messages - sent) || count === 0) return;
      const batch = Buffer.allocUnsafe(count * message.length);
      for (let index = 0; index < count; index++) {
        message.writeUInt32BE(delay(sent + index), delayAt);
        message.copy(batch, index * message.length);
      }
      sent += count;
      writing = true;
      connection.write(batch, () => {
        writing = false;
        setImmediate(pump);
      });
    };
    connection.carry({
      message() {},
      nothing() {},
      confirm(deliveryTag, multiple, positive) {
        if (!positive) throw new Error("the broker has refused a message");
        confirmed = multiple ? deliveryTag : confirmed + 1;
      },
      readEnd() {
        if (confirmed >= messages) resolve();
        else pump();
      },
    });
    pump();
  });
}

/** Counts and acknowledges what a queue delivers. */
export class Taker implements Traffic {
  count = 0;
  readonly #connection: PerfConnection;
  #lastTag = 0;
  #unacked = 0;
  #awaited = Number.POSITIVE_INFINITY;
  #reached: () => void = () => {};

  constructor(connection: PerfConnection) {
    this.#connection = connection;
  }

  async start(queue: string): Promise<void> {
    this.#connection.carry(this);
    await this.#connection.call("basic.qos", { prefetchCount: PREFETCH });
    await this.#connection.call("basic.consume", { queue });
  }

  /** Resolves when `count` messages have come since the beginning. */
  async reached(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#awaited = count;
      this.#reached = resolve;
      this.readEnd();
    });
  }

  message(deliveryTag: number): void {
    this.count++;
    this.#lastTag = deliveryTag;
    if (++this.#unacked >= ACK_MESSAGES) this.#ack();
  }

  nothing(): void {}
  confirm(): void {}

  readEnd(): void {
    if (this.count < this.#awaited) return;
    this.#awaited = Number.POSITIVE_INFINITY;
    this.#ack();
    this.#reached();
  }

  #ack(): void {
    if (this.#unacked === 0) return;
    this.#unacked = 0;
    this.#connection.send("basic.ack", { deliveryTag: this.#lastTag, multiple: true });
  }
}
