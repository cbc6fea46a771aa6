import type { Duplex } from "node:stream";
import type { Clock } from "../lib/clock.ts";
import { SystemClock } from "../lib/system-clock.ts";
import { EMPTY_TABLE, type FieldTable } from "../wire/field-table.ts";
import { FRAME_HEARTBEAT, FRAME_METHOD, PROTOCOL_HEADER } from "../wire/frame.ts";
import { FrameReader } from "../wire/frame-reader.ts";
import { decodeArguments, encodeMethodFrame } from "../wire/method-codec.ts";
import { type MethodArguments, type MethodName, methodById } from "../wire/methods.ts";
import { completeArguments, type SomeArguments } from "./arguments.ts";
import { Channel } from "./channel.ts";
import { ConnectionClosedError, ConnectionLostError } from "./errors.ts";
import { type ClientOptions, startOk, tuneOk } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Outgoing } from "./outgoing.ts";
import { PendingReplies } from "./pending-replies.ts";

const CLOSED_HERE = { replyCode: 200, replyText: "OK", classId: 0, methodId: 0 };

/** Octets of a method frame's payload before the arguments. */
const METHOD_ID_BYTES = 4;

/** An AMQP 0-9-1 connection, seen from the client, over any stream of octets. */
export class Client {
  /** What the broker says of itself in connection.start. */
  serverProperties: FieldTable = EMPTY_TABLE;
  /** Largest frame, in octets, that was agreed on. */
  frameBytesMax = 0;
  /** Settles, and never fails, with the error that closed the connection. */
  readonly closed: Promise<Error>;
  /** Called with the reason when the broker stops reading what this connection publishes, and with undefined when it goes on. */
  onBlocked: ((reason: string | undefined) => void) | undefined;
  readonly #stream: Duplex;
  readonly #outgoing: Outgoing;
  readonly #reader = new FrameReader(0);
  readonly #replies = new PendingReplies();
  readonly #channels = new Map<number, Channel>();
  #channelsMax = 0;
  #heartbeat: Heartbeat | undefined;
  #greeted = false;
  #closeError: Error | undefined;
  #settleClosed: (error: Error) => void = () => {};

  /**
   * Opens a connection on a stream that nothing has been said on.
   *
   * @param clock what heartbeats go by
   * @throws ConnectionClosedError when the broker refuses (403 for bad credentials, 530 for an unknown vhost, ...)
   * @throws ConnectionLostError when the stream ends
   */
  static async connect(stream: Duplex, options: ClientOptions = {}, clock: Clock = new SystemClock()): Promise<Client> {
    const client = new Client(stream);
    try {
      await client.#shakeHands(options, clock);
    } catch (error) {
      client.#fail(error as Error);
      stream.destroy();
      throw error;
    }
    return client;
  }

  private constructor(stream: Duplex) {
    this.#stream = stream;
    this.#outgoing = new Outgoing(stream);
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("error", (cause) => this.#lose(new ConnectionLostError("the stream failed", { cause })));
    stream.on("end", () => this.#lose(new ConnectionLostError("the broker ended the stream")));
    stream.on("close", () => this.#lose(new ConnectionLostError("the stream was closed")));
  }

  /** Opens a channel under the lowest free number. @throws Error when the broker's channel-max is reached */
  async openChannel(): Promise<Channel> {
    this.#assertOpen();
    let number = 1;
    while (this.#channels.has(number)) number += 1;
    if (number > this.#channelsMax) throw new Error(`all ${this.#channelsMax} channels are open`);
    const channel = new Channel(number, this.#outgoing, this.frameBytesMax);
    this.#channels.set(number, channel);
    void channel.closed.then(() => this.#forget(channel));
    await channel.call("channel.open");
    return channel;
  }

  /** Gives the broker a new secret (an OAuth token, say) for the connection that it serves. */
  async updateSecret(newSecret: Buffer, reason: string): Promise<void> {
    this.#send("connection.update-secret", { newSecret, reason });
    await this.#expect("connection.update-secret-ok");
  }

  /** Closes the connection and everything on it, and ends the stream. */
  async close(): Promise<void> {
    this.#send("connection.close", CLOSED_HERE);
    await this.#expect("connection.close-ok");
    this.#fail(new ConnectionClosedError(CLOSED_HERE));
    this.#outgoing.end();
  }

  async #shakeHands(options: ClientOptions, clock: Clock): Promise<void> {
    this.#outgoing.write(PROTOCOL_HEADER);
    const start = await this.#expect("connection.start");
    this.serverProperties = start.serverProperties;
    this.#send("connection.start-ok", startOk(start, options));
    const agreed = tuneOk(await this.#expect("connection.tune"), options);
    this.#send("connection.tune-ok", agreed);
    this.frameBytesMax = agreed.frameMax;
    this.#reader.frameBytesMax = agreed.frameMax;
    this.#channelsMax = agreed.channelMax;
    this.#send("connection.open", { virtualHost: options.vhost ?? "/" });
    await this.#expect("connection.open-ok");
    if (agreed.heartbeat === 0) return;
    this.#heartbeat = new Heartbeat(clock, this.#outgoing, agreed.heartbeat, () =>
      this.#lose(new ConnectionLostError(`no sign of life from the broker for ${2.5 * agreed.heartbeat} s`)),
    );
  }

  #send<N extends MethodName>(name: N, args: SomeArguments<N>): void {
    this.#assertOpen();
    this.#outgoing.write(encodeMethodFrame(0, name, completeArguments(name, args)));
  }

  #expect<N extends MethodName>(name: N): Promise<MethodArguments<N>> {
    return this.#replies.expect([name], (_, reply) => reply as MethodArguments<N>);
  }

  #onData(chunk: Buffer): void {
    if (this.#closeError !== undefined) return;
    this.#heartbeat?.received();
    try {
      if (!this.#greeted) this.#checkGreeting(chunk);
      this.#reader.push(chunk);
      while (this.#closeError === undefined && this.#reader.next()) this.#onFrame();
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  /** A broker that refuses the protocol answers with the header of the one it wants. */
  #checkGreeting(chunk: Buffer): void {
    this.#greeted = true;
    if (chunk.subarray(0, 4).equals(PROTOCOL_HEADER.subarray(0, 4))) {
      throw new ConnectionLostError(`the broker does not speak AMQP 0-9-1 but ${[...chunk.subarray(4, 8)].join("-")}`);
    }
  }

  #onFrame(): void {
    const { type, channel: number, buffer, payloadStart, payloadEnd } = this.#reader;
    if (type === FRAME_HEARTBEAT) return;
    const channel = this.#channels.get(number);
    if (type !== FRAME_METHOD) {
      channel?.onContentFrame(type, buffer.subarray(payloadStart, payloadEnd));
      return;
    }
    const spec = methodById(buffer.readUInt16BE(payloadStart), buffer.readUInt16BE(payloadStart + 2));
    if (spec === undefined) throw new ConnectionLostError("the broker sent an unknown method");
    const args = decodeArguments(spec, buffer, payloadStart + METHOD_ID_BYTES, payloadEnd);
    if (number === 0) this.#onMethod(spec.name, args);
    else channel?.onMethod(spec.name, args);
  }

  #onMethod(name: MethodName, args: MethodArguments<MethodName>): void {
    if (name === "connection.close") {
      this.#send("connection.close-ok", {});
      this.#fail(new ConnectionClosedError(args as MethodArguments<"connection.close">));
      this.#outgoing.end();
    } else if (name === "connection.blocked") {
      this.onBlocked?.((args as MethodArguments<"connection.blocked">).reason);
    } else if (name === "connection.unblocked") {
      this.onBlocked?.(undefined);
    } else {
      this.#replies.settle(name, args);
    }
  }

  #forget(channel: Channel): void {
    if (this.#channels.get(channel.number) === channel) this.#channels.delete(channel.number);
  }

  #lose(error: Error): void {
    this.#fail(error);
    this.#stream.destroy();
  }

  #fail(error: Error): void {
    if (this.#closeError !== undefined) return;
    this.#closeError = error;
    this.#heartbeat?.stop();
    this.#replies.fail(error);
    for (const channel of this.#channels.values()) channel.fail(error);
    this.#settleClosed(error);
  }

  #assertOpen(): void {
    if (this.#closeError !== undefined) throw this.#closeError;
  }
}
