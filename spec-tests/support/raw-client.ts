import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { encodeContent } from "../../src/wire/content.ts";
import { FRAME_END, FRAME_HEAD_BYTES, FRAME_HEARTBEAT } from "../../src/wire/frame.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import type { MethodArguments, MethodName } from "../../src/wire/methods.ts";
import { encodeProperties, type Properties } from "../../src/wire/properties.ts";
import { completeArguments, type Received, ReceivedParser } from "./received.ts";

/** One frame as it arrived. */
export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

/** A method that carries content, with that content. */
export interface ReceivedContent<N extends MethodName> {
  readonly args: MethodArguments<N>;
  readonly properties: Properties;
  readonly body: Buffer;
}

/** Where and how a publish goes; the default exchange and no flags unless told. */
export interface PublishTo {
  readonly exchange?: string;
  readonly routingKey: string;
  readonly mandatory?: boolean;
  readonly immediate?: boolean;
}

/** What an expected text is compared with: the whole text, or a pattern found in it. */
export type TextMatcher = string | RegExp;

/** Methods whose reply is `<name>-ok`. */
export type Request = { [N in MethodName]: `${N}-ok` extends MethodName ? N : never }[MethodName];

/**
 * A test client that sends any bytes and takes what comes frame by frame. Every wait is bounded; a wait that fails
 * says what had arrived. Methods are kept per channel, in order of arrival; heartbeats are only counted.
 */
export class RawClient {
  /** Every frame that has arrived, in order. */
  readonly frames: Frame[] = [];
  /** How many heartbeat frames have arrived. */
  heartbeatCount = 0;
  /** Whether the broker has ended or destroyed the stream. */
  ended = false;
  /** The frame-max that published content is split at. */
  frameBytesMax = 131_072;
  readonly #stream: Duplex;
  readonly #waitMilliseconds: number;
  readonly #received: Received[] = [];
  readonly #parser = new ReceivedParser();
  readonly #wakeups = new Set<() => void>();
  #bytes: Buffer = Buffer.alloc(0);

  /** @param waitMilliseconds how long any `expect...` waits at most. */
  constructor(stream: Duplex, waitMilliseconds = 2_000) {
    this.#stream = stream;
    this.#waitMilliseconds = waitMilliseconds;
    stream.on("data", (bytes: Buffer) => this.#onData(bytes));
    const end = (): void => {
      this.ended = true;
      this.#wake();
    };
    stream.on("end", end);
    stream.on("close", end);
    stream.on("error", end);
  }

  /** Writes bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Writes a frame; `frameEnd` is 0xCE unless told. */
  sendFrame(type: number, channel: number, payload: Uint8Array, frameEnd = FRAME_END): void {
    this.write(frameBytes(type, channel, payload, frameEnd));
  }

  /** Sends a method; arguments left out are empty, zero or false. */
  send<N extends MethodName>(channel: number, name: N, args: Partial<MethodArguments<N>> = {}): void {
    this.write(encodeMethodFrame(channel, name, completeArguments(name, args)));
  }

  /** Sends basic.publish with its content. */
  publish(channel: number, to: PublishTo, body: string | Uint8Array = "", properties: Properties = {}): void {
    this.send(channel, "basic.publish", to);
    this.sendContent(channel, body, properties);
  }

  /** Sends a content header frame and the body frames for it. */
  sendContent(channel: number, body: string | Uint8Array, properties: Properties = {}): void {
    const content = encodeContent(encodeProperties(properties), Buffer.from(body), this.frameBytesMax);
    forEachFrame(content, (start) => content.writeUInt16BE(channel, start + 1));
    this.write(content);
  }

  /** Sends a method and waits for its `-ok`, which must be the next method on the channel. */
  async call<N extends Request>(
    channel: number,
    name: N,
    args: Partial<MethodArguments<N>> = {},
  ): Promise<MethodArguments<`${N}-ok`>> {
    this.send(channel, name, args);
    return this.expect(channel, `${name}-ok`);
  }

  /** Waits for the next method on the channel, which must be `name`. */
  async expect<N extends MethodName>(channel: number, name: N): Promise<MethodArguments<N>> {
    return (await this.#next(channel, name)).args as MethodArguments<N>;
  }

  /** Like {@link expect}, for a method with content. */
  async expectContent<N extends MethodName>(channel: number, name: N): Promise<ReceivedContent<N>> {
    const received = await this.#next(channel, name);
    assert.ok(received.properties !== undefined && received.body !== undefined, `${name} came without content`);
    return { args: received.args as MethodArguments<N>, properties: received.properties, body: received.body };
  }

  /** Waits for the first `name` on the channel, leaving whatever else came before it in place. */
  async find<N extends MethodName>(channel: number, name: N): Promise<ReceivedContent<N>> {
    const isIt = (received: Received): boolean => received.channel === channel && received.name === name;
    const received = await this.#until(`${name} on channel ${channel}`, () => this.#take(isIt));
    return {
      args: received.args as MethodArguments<N>,
      properties: received.properties ?? {},
      body: received.body ?? Buffer.alloc(0),
    };
  }

  /** Sends basic.get and returns the message, or undefined for basic.get-empty. */
  async get(
    channel: number,
    args: Partial<MethodArguments<"basic.get">>,
  ): Promise<ReceivedContent<"basic.get-ok"> | undefined> {
    this.send(channel, "basic.get", args);
    const isIt = (received: Received): boolean =>
      received.channel === channel && received.name.startsWith("basic.get-");
    const received = await this.#until(`the reply to basic.get on channel ${channel}`, () => this.#take(isIt));
    const { properties, body } = received;
    if (properties === undefined || body === undefined) return undefined;
    return { args: received.args as MethodArguments<"basic.get-ok">, properties, body };
  }

  /** The names of the methods on the channel that have arrived and were not yet expected. */
  waiting(channel: number): string[] {
    return this.#received.filter((received) => received.channel === channel).map((received) => received.name);
  }

  /** Asserts that nothing has come on the channel by the time the broker has answered one more request on it. */
  async expectNothing(channel: number, queue?: string): Promise<void> {
    if (queue !== undefined) {
      this.send(channel, "queue.declare", { queue, passive: true });
      await this.find(channel, "queue.declare-ok");
    }
    this.send(channel, "access.request");
    await this.find(channel, "access.request-ok");
    assert.deepEqual(this.waiting(channel), []);
  }

  /** Waits for channel.close and answers it. `text` is the whole reply text or a pattern in it. */
  async expectChannelClose(
    channel: number,
    code: number,
    text: TextMatcher,
    classId: number,
    methodId: number,
  ): Promise<void> {
    const close = await this.find(channel, "channel.close");
    assertClose(close.args, code, text, classId, methodId);
    this.send(channel, "channel.close-ok");
  }

  /** Waits for connection.close and answers it. `text` is the whole reply text or a pattern in it. */
  async expectConnectionClose(code: number, text: TextMatcher, classId: number, methodId: number): Promise<void> {
    const isClose = (received: Received): boolean => received.channel === 0 && received.name === "connection.close";
    const close = await this.#until("connection.close", () => this.#take(isClose));
    assertClose(close.args as MethodArguments<"connection.close">, code, text, classId, methodId);
    this.send(0, "connection.close-ok");
  }

  /** Waits until the broker has closed the stream. */
  async expectEnd(): Promise<void> {
    await this.#until("the end of the stream", () => (this.ended ? true : undefined), true);
  }

  /** Waits until `count` heartbeat frames have arrived since the beginning. */
  async expectHeartbeats(count: number): Promise<void> {
    await this.#until(`${count} heartbeats`, () => (this.heartbeatCount >= count ? true : undefined));
  }

  /** Waits for the 8 octets with which a broker refuses a protocol header. */
  async expectProtocolHeader(): Promise<Buffer> {
    const header = await this.#until(
      "a protocol header",
      () => (this.#bytes.length >= 8 ? this.#bytes : undefined),
      true,
    );
    return header.subarray(0, 8);
  }

  /** Closes the connection as the protocol asks. */
  async close(): Promise<void> {
    this.send(0, "connection.close", { replyCode: 200, replyText: "OK" });
    await this.find(0, "connection.close-ok");
    this.end();
  }

  /** Ends the client's half of the stream. */
  end(): void {
    this.#stream.end();
  }

  /** Drops the stream without a word. */
  destroy(): void {
    this.#stream.destroy();
  }

  async #next(channel: number, name: string): Promise<Received> {
    const received = await this.#until(`${name} on channel ${channel}`, () =>
      this.#take((candidate) => candidate.channel === channel),
    );
    assert.equal(received.name, name, `expected ${name} on channel ${channel}, got ${describe(received)}`);
    return received;
  }

  #take(matches: (received: Received) => boolean): Received | undefined {
    const index = this.#received.findIndex(matches);
    return index < 0 ? undefined : this.#received.splice(index, 1)[0];
  }

  #until<T>(what: string, check: () => T | undefined, endIsFine = false): Promise<T> {
    const asked = new Error(`waited in vain for ${what}`);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timeout);
        this.#wakeups.delete(wakeup);
      };
      const fail = (why: string): void => {
        finish();
        const seen = this.#received.map(describe).join(", ");
        asked.message = `${why} while waiting for ${what}; not yet taken: ${seen === "" ? "nothing" : seen}`;
        reject(asked);
      };
      const wakeup = (): void => {
        const result = check();
        if (result !== undefined) {
          finish();
          resolve(result);
        } else if (!endIsFine && this.ended) {
          fail("the stream ended");
        } else if (!endIsFine && this.#received.some((received) => received.name === "connection.close")) {
          fail("the broker closed the connection");
        }
      };
      const timeout = setTimeout(() => fail(`${this.#waitMilliseconds} ms passed`), this.#waitMilliseconds);
      this.#wakeups.add(wakeup);
      wakeup();
    });
  }

  #wake(): void {
    for (const wakeup of [...this.#wakeups]) wakeup();
  }

  #onData(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const refused = this.frames.length === 0 && this.#bytes.subarray(0, 4).equals(Buffer.from("AMQP"));
    if (!refused) {
      const used = forEachFrame(this.#bytes, (start, end) => this.#onFrame(start, end));
      this.#bytes = this.#bytes.subarray(used);
    }
    this.#wake();
  }

  #onFrame(start: number, end: number): void {
    const bytes = this.#bytes;
    assert.equal(bytes[end - 1], FRAME_END, "the broker sent a wrong frame-end octet");
    const frame = {
      type: bytes.readUInt8(start),
      channel: bytes.readUInt16BE(start + 1),
      payload: bytes.subarray(start + FRAME_HEAD_BYTES, end - 1),
    };
    this.frames.push(frame);
    if (frame.type === FRAME_HEARTBEAT) {
      this.heartbeatCount += 1;
      return;
    }
    const received = this.#parser.push(frame);
    if (received !== undefined) this.#received.push(received);
  }
}

/** The bytes of a frame. */
export function frameBytes(type: number, channel: number, payload: Uint8Array, frameEnd = FRAME_END): Buffer {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + payload.length + 1);
  frame.writeUInt8(type, 0);
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(payload.length, 3);
  frame.set(payload, FRAME_HEAD_BYTES);
  frame.writeUInt8(frameEnd, frame.length - 1);
  return frame;
}

/** The payload of a method frame made by hand: class id, method id and the bytes of the arguments. */
export function methodPayload(classId: number, methodId: number, args: Uint8Array = Buffer.alloc(0)): Buffer {
  const ids = Buffer.alloc(4);
  ids.writeUInt16BE(classId, 0);
  ids.writeUInt16BE(methodId, 2);
  return Buffer.concat([ids, args]);
}

/** Calls `onFrame` with the start and end of every complete frame; returns where the incomplete rest starts. */
function forEachFrame(bytes: Buffer, onFrame: (start: number, end: number) => void): number {
  let start = 0;
  while (bytes.length - start >= FRAME_HEAD_BYTES) {
    const end = start + FRAME_HEAD_BYTES + bytes.readUInt32BE(start + 3) + 1;
    if (end > bytes.length) break;
    onFrame(start, end);
    start = end;
  }
  return start;
}

function assertClose(
  close: MethodArguments<"channel.close"> | MethodArguments<"connection.close">,
  code: number,
  text: TextMatcher,
  classId: number,
  methodId: number,
): void {
  if (typeof text === "string") assert.equal(close.replyText, text);
  else assert.match(close.replyText, text);
  assert.equal(close.replyCode, code, close.replyText);
  assert.deepEqual([close.classId, close.methodId], [classId, methodId], close.replyText);
}

function describe(received: Received): string {
  const { channel, name, args } = received;
  const close = args as { replyCode?: number; replyText?: string };
  const text = close.replyText === undefined ? "" : ` (${close.replyCode} ${close.replyText})`;
  return `${name}${text} on channel ${channel}`;
}
