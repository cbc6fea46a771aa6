import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { formatEndpoint } from "../lib/peer-info.ts";
import { tableFrom } from "../wire/field-table.ts";
import { PROTOCOL_HEADER } from "../wire/frame.ts";
import { decodeArguments, encodeMethodFrame } from "../wire/method-codec.ts";
import { type MethodArguments, type MethodName, methodById } from "../wire/methods.ts";
import type { BrokerAddress } from "./broker-uri.ts";
import { FrameScanner, NO_TRAFFIC, type Traffic } from "./frame-scanner.ts";
import { PerfError } from "./perf-error.ts";
import { KEPT_BYTES_MAX, type ReadMemory } from "./read-memory.ts";

/** The channel on which a connection publishes and consumes. */
export const CHANNEL = 1;

/** How long the broker may take to answer connection.close; it first takes what was published before it. */
const CLOSE_MILLISECONDS_MAX = 10_000;

const NO_OCTETS = Buffer.alloc(0);

const CAPABILITIES = {
  publisher_confirms: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  authentication_failure_close: true,
};

/** What a connection needs that it shares with the others of a run. */
export interface ConnectionOptions {
  readonly address: BrokerAddress;
  readonly memory: ReadMemory;
  /** Called once when the connection ends before it is closed, or the broker closes its channel. */
  readonly onFailure: (error: PerfError) => void;
}

interface Call {
  readonly reply: MethodName;
  readonly resolve: (args: never) => void;
  readonly reject: (error: PerfError) => void;
}

/** A connection to a broker with one channel, for few and rare calls and a stream of messages. */
export class PerfConnection {
  /** Octets of a frame that the broker takes; 0: any. */
  frameBytesMax = 0;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #scanner: FrameScanner;
  readonly #calls: Call[] = [];
  readonly #closed: Promise<void>;
  /** The beginning of a frame, kept from the previous read. */
  #kept: Buffer = NO_OCTETS;
  #keptBytes = 0;
  #ended = false;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#scanner = new FrameScanner((octets, start, end) => this.#takeMethod(octets, start, end));
    this.#socket = this.#connect();
    this.#closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        this.#fail(new PerfError("the broker dropped the connection"));
        resolve();
      });
    });
    this.#socket.on("error", (error) => {
      const { host, port } = options.address;
      this.#fail(new PerfError(`no connection to ${formatEndpoint(host, port)}: ${error.message}`, { cause: error }));
    });
  }

  /** Connects, logs in and opens the channel. Rejects with a {@link PerfError}. */
  static async open(options: ConnectionOptions): Promise<PerfConnection> {
    const connection = new PerfConnection(options);
    await connection.#handshake(options.address);
    await connection.openChannel();
    return connection;
  }

  /** From now on `traffic` takes messages and confirms. */
  carry(traffic: Traffic): void {
    this.#scanner.traffic = traffic;
  }

  /** Opens the channel again after it was closed. */
  async openChannel(): Promise<void> {
    await this.call("channel.open", {}, "channel.open-ok");
  }

  /** Sends a method on the channel and resolves with the arguments of its reply. */
  call<N extends MethodName, R extends MethodName>(
    name: N,
    args: MethodArguments<N>,
    reply: R,
    channel = CHANNEL,
  ): Promise<MethodArguments<R>> {
    this.send(name, args, channel);
    return this.#expect(reply);
  }

  /** Sends a method that has no reply. */
  send<N extends MethodName>(name: N, args: MethodArguments<N>, channel = CHANNEL): void {
    this.#socket.write(encodeMethodFrame(channel, name, args));
  }

  /** Writes frames; `octets` must not change until `written` is called. */
  write(octets: Buffer, written: () => void): void {
    this.#socket.write(octets, written);
  }

  /** Closes the connection once the broker has taken everything before; drops it when that takes too long. */
  async close(): Promise<void> {
    if (this.#ended) return this.#closed;
    this.carry(NO_TRAFFIC);
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MILLISECONDS_MAX);
    const args = { replyCode: 200, replyText: "done", classId: 0, methodId: 0 };
    await this.call("connection.close", args, "connection.close-ok", 0).catch(() => {});
    this.#ended = true;
    this.#socket.end();
    await this.#closed;
    clearTimeout(timer);
  }

  #connect(): Socket {
    const { address, memory } = this.#options;
    const { host, port } = address;
    if (!address.secure) {
      const callback = (bytes: number): boolean => {
        this.#received(bytes);
        return true;
      };
      return connectTcp({ host, port, noDelay: true, onread: { buffer: memory.target, callback } });
    }
    const socket = connectTls({ host, port, servername: host });
    socket.setNoDelay(true);
    return socket.on("data", (chunk: Buffer) => {
      for (let start = 0; start < chunk.length; start += memory.target.length) {
        this.#received(chunk.copy(memory.target, 0, start));
      }
    });
  }

  async #handshake({ username, password, vhost }: BrokerAddress): Promise<void> {
    this.#socket.write(PROTOCOL_HEADER);
    await this.#expect("connection.start");
    const clientProperties = tableFrom({ product: "leveret perf", capabilities: CAPABILITIES });
    const response = Buffer.from(`\0${username}\0${password}`);
    const startOk = { clientProperties, mechanism: "PLAIN", response, locale: "en_US" };
    const { channelMax, frameMax } = await this.call("connection.start-ok", startOk, "connection.tune", 0);
    this.frameBytesMax = frameMax;
    this.send("connection.tune-ok", { channelMax, frameMax, heartbeat: 0 }, 0);
    await this.call("connection.open", { virtualHost: vhost }, "connection.open-ok", 0);
  }

  #expect<R extends MethodName>(reply: R): Promise<MethodArguments<R>> {
    if (this.#ended) return Promise.reject(new PerfError("the connection is closed"));
    return new Promise((resolve, reject) => {
      this.#calls.push({ reply, resolve, reject });
    });
  }

  /** `bytes` octets have been read into the shared memory. */
  #received(bytes: number): void {
    const { octets } = this.#options.memory;
    const start = KEPT_BYTES_MAX - this.#keptBytes;
    const end = KEPT_BYTES_MAX + bytes;
    if (this.#keptBytes > 0) this.#kept.copy(octets, start, 0, this.#keptBytes);
    try {
      this.#keep(octets, this.#scanner.scan(octets, start, end), end);
      this.#scanner.traffic.readEnd();
    } catch (error) {
      if (!(error instanceof PerfError)) throw error;
      this.#fail(error);
      this.#socket.destroy();
    }
  }

  #keep(octets: Buffer, start: number, end: number): void {
    this.#keptBytes = end - start;
    if (start === end) return;
    if (this.#keptBytes > KEPT_BYTES_MAX) throw new PerfError("the broker sent a method that is too large");
    if (this.#keptBytes > this.#kept.length) this.#kept = Buffer.allocUnsafeSlow(Math.max(64, this.#keptBytes));
    octets.copy(this.#kept, 0, start, end);
  }

  #takeMethod(octets: Buffer, start: number, end: number): void {
    const spec = methodById(octets.readUInt16BE(start), octets.readUInt16BE(start + 2));
    if (spec === undefined) throw new PerfError("the broker sent a method that AMQP 0-9-1 does not have");
    const args = decodeArguments(spec, octets, start + 4, end);
    switch (spec.name) {
      case "connection.close":
      case "channel.close":
        this.send(
          spec.name === "connection.close" ? "connection.close-ok" : "channel.close-ok",
          {},
          spec.name === "connection.close" ? 0 : CHANNEL,
        );
        this.#fail(new PerfError(`the broker refused: ${(args as MethodArguments<"channel.close">).replyText}`));
        return;
      case "basic.cancel":
        this.#fail(new PerfError("the broker cancelled a consumer: its queue is gone"));
        return;
      case "connection.blocked":
      case "connection.unblocked":
        return;
    }
    const call = this.#calls.shift();
    if (call?.reply !== spec.name) throw new PerfError(`the broker sent ${spec.name} where it was not expected`);
    call.resolve(args as never);
  }

  #fail(error: PerfError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.end();
    for (const call of this.#calls.splice(0)) call.reject(error);
    this.#options.onFailure(error);
  }
}
