import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { completeArguments, type Request, type SomeArguments } from "../../src/client/arguments.ts";
import { encodeContent } from "../../src/wire/content.ts";
import { FRAME_END, FRAME_HEAD_BYTES, FRAME_HEARTBEAT } from "../../src/wire/frame.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import type { MethodArguments, MethodName } from "../../src/wire/methods.ts";
import { encodeProperties, type Properties } from "../../src/wire/properties.ts";
import { describe, Inbox } from "./inbox.ts";
import { type Frame, forEachFrame, frameBytes } from "./raw-frames.ts";
import { type Received, ReceivedParser } from "./received.ts";

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

/**
 * A test client that sends any bytes and takes what comes frame by frame. Every wait is bounded; a wait that fails
 * says what had arrived. Methods are kept per channel, in order of arrival; heartbeats are only counted.
 */
export class RawClient {
  /** Every frame that has arrived, in order. */
  readonly frames: Frame[] = [];
  /** How many heartbeat frames have arrived. */
  heartbeatCount = 0;
  /** The frame-max that published content is split at. */
  frameBytesMax = 131_072;
  readonly #stream: Duplex;
  readonly #inbox: Inbox;
  readonly #parser = new ReceivedParser();
  #bytes: Buffer = Buffer.alloc(0);

  /** @param waitMilliseconds how long any `expect...` waits at most. */
  constructor(stream: Duplex, waitMilliseconds = 2_000) {
    this.#stream = stream;
    this.#inbox = new Inbox(waitMilliseconds);
    stream.on("data", (bytes: Buffer) => this.#onData(bytes));
    for (const event of ["end", "close", "error"]) stream.on(event, () => this.#inbox.end());
  }

  /** Whether the broker has ended or destroyed the stream. */
  get ended(): boolean {
    return this.#inbox.ended;
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
  send<N extends MethodName>(channel: number, name: N, args: SomeArguments<N> = {}): void {
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
    args: SomeArguments<N> = {},
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
    const received = await this.#inbox.next(`${name} on channel ${channel}`, isIt);
    return {
      args: received.args as MethodArguments<N>,
      properties: received.properties ?? {},
      body: received.body ?? Buffer.alloc(0),
    };
  }

  /** Sends basic.get and returns the message, or undefined for basic.get-empty. */
  async get(channel: number, args: SomeArguments<"basic.get">): Promise<ReceivedContent<"basic.get-ok"> | undefined> {
    this.send(channel, "basic.get", args);
    const isIt = (received: Received): boolean =>
      received.channel === channel && received.name.startsWith("basic.get-");
    const received = await this.#inbox.next(`the reply to basic.get on channel ${channel}`, isIt);
    const { properties, body } = received;
    if (properties === undefined || body === undefined) return undefined;
    return { args: received.args as MethodArguments<"basic.get-ok">, properties, body };
  }

  /** The names of the methods on the channel that have arrived and were not yet expected. */
  waiting(channel: number): string[] {
    return this.#inbox.names(channel);
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
    const close = await this.#inbox.next("connection.close", isClose);
    assertClose(close.args as MethodArguments<"connection.close">, code, text, classId, methodId);
    this.send(0, "connection.close-ok");
  }

  /** Waits until the broker has closed the stream. */
  async expectEnd(): Promise<void> {
    await this.#inbox.until("the end of the stream", () => (this.ended ? true : undefined), true);
  }

  /** Waits until `count` heartbeat frames have arrived since the beginning. */
  async expectHeartbeats(count: number): Promise<void> {
    await this.#inbox.until(`${count} heartbeats`, () => (this.heartbeatCount >= count ? true : undefined));
  }

  /** Waits for the 8 octets with which a broker refuses a protocol header. */
  async expectProtocolHeader(): Promise<Buffer> {
    const header = await this.#inbox.until(
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
    const received = await this.#inbox.next(`${name} on channel ${channel}`, (any) => any.channel === channel);
    assert.equal(received.name, name, `expected ${name} on channel ${channel}, got ${describe(received)}`);
    return received;
  }

  #onData(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const refused = this.frames.length === 0 && this.#bytes.subarray(0, 4).equals(Buffer.from("AMQP"));
    if (!refused) {
      const used = forEachFrame(this.#bytes, (start, end) => this.#onFrame(start, end));
      this.#bytes = this.#bytes.subarray(used);
    }
    this.#inbox.wake();
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
    if (received !== undefined) this.#inbox.push(received);
  }
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
