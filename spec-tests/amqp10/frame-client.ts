import type { Duplex } from "node:stream";
import { PERFORMATIVES, type Performative, readPerformative } from "../../src/amqp10/codec/performatives.ts";
import { binary, composite, encodeValue, symbol, type Typed } from "../../src/amqp10/codec/types.ts";

const TIMEOUT_MILLISECONDS = 5_000;
const HEAD_BYTES = 8;
const SASL_HEADER = Buffer.from("AMQP\x03\x01\x00\x00", "latin1");
const AMQP_HEADER = Buffer.from("AMQP\x00\x01\x00\x00", "latin1");
const SASL_FRAME = 1;

/** A frame of the broker's. */
export interface ReceivedFrame extends Performative {
  readonly channel: number;
  readonly payload: Buffer;
}

/** A frame of any type, to be sent. */
export function rawFrame(type: number, channel: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(HEAD_BYTES + body.length, 0);
  head[4] = 2;
  head[5] = type;
  head.writeUInt16BE(channel, 6);
  return Buffer.concat([head, body]);
}

/** A client of AMQP 1.0 that has logged in as guest, and sends and receives frames. */
export class FrameClient {
  readonly stream: Duplex;
  /** Those that have not been asked for. */
  readonly frames: ReceivedFrame[] = [];
  /** All there were. */
  readonly history: ReceivedFrame[] = [];
  #octets = Buffer.alloc(0);
  /** Protocol headers that are still to come. */
  #headersLeft = 2;
  #arrived: () => void = () => {};

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("data", (octets: Buffer) => this.#take(octets));
    stream.on("error", () => {});
    stream.write(SASL_HEADER);
    const login = composite(PERFORMATIVES.saslInit, [symbol("PLAIN"), binary(Buffer.from("\0guest\0guest"))]);
    stream.write(rawFrame(SASL_FRAME, 0, encodeValue(login)));
    stream.write(AMQP_HEADER);
  }

  /** Sends a performative on a channel, with a payload behind it. */
  sendFrame(channel: number, code: number, fields: readonly (Typed | undefined)[], payload?: Buffer): void {
    const performative = encodeValue(composite(code, fields));
    const body = payload === undefined ? performative : Buffer.concat([performative, payload]);
    this.write(rawFrame(0, channel, body));
  }

  protected write(octets: Buffer): void {
    this.stream.write(octets);
  }

  /** What `find` finds, as soon as it does; it is asked again whenever frames have come. */
  protected async found(code: number, find: () => ReceivedFrame | undefined): Promise<ReceivedFrame> {
    const deadline = Date.now() + TIMEOUT_MILLISECONDS;
    for (;;) {
      const frame = find();
      if (frame !== undefined) return frame;
      if (Date.now() > deadline) throw new Error(`no ${hexadecimal(code)} in time, but ${this.#seen}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  get #seen(): string {
    return this.frames.map(({ code }) => hexadecimal(code)).join(" ");
  }

  #take(octets: Buffer): void {
    this.#octets = Buffer.concat([this.#octets, octets]);
    for (;;) {
      const head = this.#octets;
      if (head.length < HEAD_BYTES) break;
      if (this.#headersLeft > 0 && head.toString("latin1", 0, 4) === "AMQP") {
        this.#headersLeft--;
        this.#octets = head.subarray(HEAD_BYTES);
        continue;
      }
      const size = head.readUInt32BE(0);
      if (head.length < size) break;
      this.#octets = head.subarray(size);
      if (size === HEAD_BYTES) continue;
      const performative = readPerformative(head, HEAD_BYTES, size);
      const payload = head.subarray(performative.payloadStart, size);
      const frame = { ...performative, channel: head.readUInt16BE(6), payload };
      this.frames.push(frame);
      this.history.push(frame);
    }
    this.#arrived();
  }
}

function hexadecimal(code: number): string {
  return `0x${code.toString(16)}`;
}
