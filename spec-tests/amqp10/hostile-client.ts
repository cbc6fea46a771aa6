import type { Duplex } from "node:stream";
import { type Performative, PERFORMATIVES, readPerformative } from "../../src/amqp10/codec/performatives.ts";
import {
  binary,
  bool,
  composite,
  encodeValue,
  string,
  symbol,
  type Typed,
  ubyte,
  uint,
} from "../../src/amqp10/codec/types.ts";

const TIMEOUT_MILLISECONDS = 5_000;
const HEAD_BYTES = 8;
const SASL_HEADER = Buffer.from("AMQP\x03\x01\x00\x00", "latin1");
const AMQP_HEADER = Buffer.from("AMQP\x00\x01\x00\x00", "latin1");

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

export const source = (address: string, ...more: (Typed | undefined)[]): Typed =>
  composite(0x28, [string(address), ...more]);
export const target = (address: string | undefined, ...more: (Typed | undefined)[]): Typed =>
  composite(0x29, [address === undefined ? undefined : string(address), ...more]);

/** A message whose body is `text`. */
export function message(text: string): Buffer {
  const octets = Buffer.from(text);
  return Buffer.concat([Buffer.of(0, 0x53, 0x75, 0xa0, octets.length), octets]);
}

/** A client of AMQP 1.0 that sends what it is told to, however wrong, and looks at every frame. */
export class RawClient {
  readonly stream: Duplex;
  /** Those that have not been asked for. */
  readonly frames: ReceivedFrame[] = [];
  /** All there were. */
  readonly history: ReceivedFrame[] = [];
  #received = Buffer.alloc(0);
  #headersLeft = 2;
  #arrived: () => void = () => {};
  #write: (octets: Buffer) => void = (octets) => this.stream.write(octets);

  /** Logs in as guest and opens a connection and, on channel 0, a session. */
  constructor(stream: Duplex, incomingWindow = 1000, frameBytesMax = 65_536) {
    this.stream = stream;
    stream.on("data", (octets: Buffer) => this.#take(octets));
    stream.on("error", () => {});
    stream.write(SASL_HEADER);
    this.#frame(1, 0, composite(PERFORMATIVES.saslInit, [symbol("PLAIN"), binary(Buffer.from("\0guest\0guest"))]));
    stream.write(AMQP_HEADER);
    this.send(0, PERFORMATIVES.open, [string("raw"), string("localhost"), uint(frameBytesMax)]);
    this.begin(0, incomingWindow);
  }

  begin(channel: number, incomingWindow = 1000): void {
    this.send(channel, PERFORMATIVES.begin, [undefined, uint(0), uint(incomingWindow), uint(1000)]);
  }

  /** Attaches a link on which this client sends. */
  sender(channel: number, handle: number, to: Typed, name = `sender ${handle}`): void {
    this.send(channel, PERFORMATIVES.attach, [
      string(name),
      uint(handle),
      bool(false),
      undefined,
      undefined,
      source("here"),
      to,
      undefined,
      undefined,
      uint(0),
    ]);
  }

  /** Attaches a link on which this client receives. */
  receiver(channel: number, handle: number, from: Typed, name = `receiver ${handle}`, ...more: Typed[]): void {
    const fields = [string(name), uint(handle), bool(true), undefined, ubyte(0), from, target("here"), ...more];
    this.send(channel, PERFORMATIVES.attach, fields);
  }

  /** Gives a receiving link credit. */
  credit(channel: number, handle: number, credit: number, options: { window?: number; drain?: boolean } = {}): void {
    this.send(channel, PERFORMATIVES.flow, [
      uint(0),
      uint(options.window ?? 1000),
      uint(0),
      uint(1000),
      uint(handle),
      uint(0),
      uint(credit),
      undefined,
      bool(options.drain ?? false),
    ]);
  }

  transfer(channel: number, handle: number, deliveryId: number, payload: Buffer, more = false, state?: Typed): void {
    const tag = binary(Buffer.from(String(deliveryId)));
    this.send(
      channel,
      PERFORMATIVES.transfer,
      [uint(handle), uint(deliveryId), tag, uint(0), undefined, bool(more), undefined, state],
      payload,
    );
  }

  send(channel: number, code: number, fields: readonly (Typed | undefined)[], payload?: Buffer): void {
    this.#frame(0, channel, composite(code, fields), payload);
  }

  /** Sends in one piece what `sends` sends. */
  together(sends: () => void): void {
    const gathered: Buffer[] = [];
    this.#write = (octets) => gathered.push(octets);
    sends();
    this.#write = (octets) => this.stream.write(octets);
    this.#write(Buffer.concat(gathered));
  }

  /** The first frame of that kind that has not been asked for. */
  async next(code: number, matches: (frame: ReceivedFrame) => boolean = () => true): Promise<ReceivedFrame> {
    const deadline = Date.now() + TIMEOUT_MILLISECONDS;
    for (;;) {
      const index = this.frames.findIndex((frame) => frame.code === code && matches(frame));
      if (index >= 0) return this.frames.splice(index, 1)[0] as ReceivedFrame;
      if (Date.now() > deadline) throw new Error(`no 0x${code.toString(16)} in time, but ${this.#seen}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The condition of the error with which the broker answers; undefined: none. */
  static conditionOf(frame: ReceivedFrame, index: number): string | undefined {
    const error = frame.fields.get(index)?.value as readonly Typed[] | undefined;
    return error?.[0]?.value as string | undefined;
  }

  get #seen(): string {
    return this.frames.map(({ code }) => `0x${code.toString(16)}`).join(" ");
  }

  #frame(type: number, channel: number, performative: Typed, payload: Buffer = Buffer.alloc(0)): void {
    this.#write(rawFrame(type, channel, Buffer.concat([encodeValue(performative), payload])));
  }

  #take(octets: Buffer): void {
    this.#received = Buffer.concat([this.#received, octets]);
    for (;;) {
      const head = this.#received;
      if (head.length < HEAD_BYTES) break;
      if (this.#headersLeft > 0 && head.toString("latin1", 0, 4) === "AMQP") {
        this.#headersLeft--;
        this.#received = head.subarray(HEAD_BYTES);
        continue;
      }
      const size = head.readUInt32BE(0);
      if (head.length < size) break;
      this.#received = head.subarray(size);
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
