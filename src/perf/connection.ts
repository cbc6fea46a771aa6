import type { Socket } from "node:net";
import { completeArguments, type Request, type SomeArguments } from "../client/arguments.ts";
import { ConnectionLostError } from "../client/errors.ts";
import { startOk, tuneOk } from "../client/handshake.ts";
import { PendingReplies } from "../client/pending-replies.ts";
import { formatEndpoint } from "../lib/peer-info.ts";
import { WireError } from "../wire/errors.ts";
import { PROTOCOL_HEADER } from "../wire/frame.ts";
import { decodeArguments, encodeMethodFrame } from "../wire/method-codec.ts";
import { type MethodArguments, type MethodName, methodById } from "../wire/methods.ts";
import type { BrokerAddress } from "./broker-uri.ts";
import { FrameScanner, NO_TRAFFIC, type Traffic } from "./frame-scanner.ts";
import { PerfError } from "./perf-error.ts";
import { KEPT_BYTES_MAX, type ReadMemory } from "./read-memory.ts";
import { openSocketInto } from "./socket.ts";

/** The channel on which a connection publishes and consumes. */
export const CHANNEL = 1;

/** How long the broker may take to answer connection.close; it first takes what was published before it. */
const CLOSE_MILLISECONDS_MAX = 10_000;

const CLOSE_ARGUMENTS = { replyCode: 200, replyText: "OK" };

/** Octets kept from one read to the next are mostly the head of a frame. */
const KEPT_BYTES_MIN = 64;

const NO_OCTETS = Buffer.alloc(0);

/** What the connections of a run share. */
export interface ConnectionOptions {
  readonly address: BrokerAddress;
  readonly memory: ReadMemory;
  /** Every connection from the first octet on, for whoever ends the run. */
  readonly connections: Set<PerfConnection>;
  /** Called once when a connection ends, or the broker closes its channel, before it was closed here. */
  readonly onFailure: (error: PerfError) => void;
}

/** A connection with one channel, for a few calls and a stream of messages that leaves no object behind. */
export class PerfConnection {
  /** Octets of a frame that the broker takes. */
  frameBytesMax = 0;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #scanner: FrameScanner;
  readonly #replies = new PendingReplies();
  readonly #closed: Promise<void>;
  /** The beginning of a frame, kept from the previous read. */
  #kept: Buffer = NO_OCTETS;
  #keptBytes = 0;
  #state: "opening" | "open" | "ended" = "opening";

  private constructor(options: ConnectionOptions) {
    const { address, memory, connections } = options;
    this.#options = options;
    this.#scanner = new FrameScanner((octets, start, end) => this.#takeMethod(octets, start, end));
    this.#socket = openSocketInto(memory, address, (bytes) => this.#received(bytes));
    this.#socket.on("error", (cause) => {
      const endpoint = formatEndpoint(address.host, address.port);
      this.#fail(new PerfError(`the connection to ${endpoint} failed: ${cause.message}`, { cause }));
    });
    this.#closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        connections.delete(this);
        // First, so that whoever closes the connection learns that it is closed rather than that a reply is missing.
        resolve();
        this.#fail(new PerfError("the broker dropped the connection"));
      });
    });
    connections.add(this);
  }

  /** Connects, logs in and opens the channel. Rejects with a {@link PerfError}. */
  static async open(options: ConnectionOptions): Promise<PerfConnection> {
    const connection = new PerfConnection(options);
    await connection.#handshake(options.address);
    await connection.call("channel.open");
    connection.#state = "open";
    return connection;
  }

  /** From now on `traffic` takes messages and confirms. */
  carry(traffic: Traffic): void {
    this.#scanner.traffic = traffic;
  }

  /** Sends a method on the channel and waits for its `-ok`; arguments left out are empty, zero or false. */
  call<N extends Request>(name: N, args: SomeArguments<N> = {}): Promise<MethodArguments<`${N}-ok`>> {
    this.send(name, args);
    return this.#expect(`${name}-ok`);
  }

  /** Sends a method without waiting for a reply; arguments left out are empty, zero or false. */
  send<N extends MethodName>(name: N, args: SomeArguments<N> = {}, channel = CHANNEL): void {
    this.#socket.write(encodeMethodFrame(channel, name, completeArguments(name, args)));
  }

  /** Writes frames, which must not change until `written` is called: when the operating system has taken them. */
  write(octets: Buffer, written: () => void): void {
    this.#socket.write(octets, written);
  }

  /** Closes the connection once the broker has taken everything before; drops it when that takes too long. */
  async close(): Promise<void> {
    this.carry(NO_TRAFFIC);
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MILLISECONDS_MAX);
    if (this.#state === "opening") this.#socket.destroy();
    if (this.#state === "open") {
      this.#state = "ended";
      this.send("connection.close", CLOSE_ARGUMENTS, 0);
      await Promise.race([this.#expect("connection.close-ok"), this.#closed]);
      this.#socket.end();
    }
    await this.#closed;
    clearTimeout(timer);
  }

  async #handshake({ username, password, vhost }: BrokerAddress): Promise<void> {
    const options = { username, password, heartbeatSeconds: 0, clientProperties: { product: "Leveret perf" } };
    this.#socket.write(PROTOCOL_HEADER);
    this.send("connection.start-ok", startOk(await this.#expect("connection.start"), options), 0);
    const agreed = tuneOk(await this.#expect("connection.tune"), options);
    this.frameBytesMax = agreed.frameMax;
    this.send("connection.tune-ok", agreed, 0);
    this.send("connection.open", { virtualHost: vhost }, 0);
    await this.#expect("connection.open-ok");
  }

  #expect<N extends MethodName>(name: N): Promise<MethodArguments<N>> {
    return this.#replies.expect([name], (_, reply) => reply as MethodArguments<N>);
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
      this.#fail(asPerfError(error));
      this.#socket.destroy();
    }
  }

  #keep(octets: Buffer, start: number, end: number): void {
    this.#keptBytes = end - start;
    if (start === end) return;
    if (this.#keptBytes > KEPT_BYTES_MAX)
      throw new PerfError("the broker sent a method or a content header that is too large");
    if (this.#keptBytes > this.#kept.length) {
      this.#kept = Buffer.allocUnsafeSlow(Math.max(KEPT_BYTES_MIN, this.#keptBytes));
    }
    octets.copy(this.#kept, 0, start, end);
  }

  #takeMethod(octets: Buffer, start: number, end: number): void {
    const spec = methodById(octets.readUInt16BE(start), octets.readUInt16BE(start + 2));
    if (spec === undefined) throw new PerfError("the broker sent a method that AMQP 0-9-1 does not have");
    const args = decodeArguments(spec, octets, start + 4, end);
    switch (spec.name) {
      case "connection.close":
        this.send("connection.close-ok", {}, 0);
        this.#fail(refusal(args as MethodArguments<"connection.close">));
        break;
      case "channel.close":
        this.send("connection.close", CLOSE_ARGUMENTS, 0);
        this.#fail(refusal(args as MethodArguments<"channel.close">));
        break;
      case "basic.cancel":
        this.#fail(new PerfError("the broker cancelled a consumer: its queue is gone"));
        break;
      case "connection.blocked":
      case "connection.unblocked":
        // A broker that holds publishers back does not read from them: the socket says all that is needed.
        break;
      default:
        this.#replies.settle(spec.name, args);
    }
  }

  #fail(error: PerfError): void {
    this.#replies.fail(error);
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#socket.end();
    this.#options.onFailure(error);
  }
}

function refusal({ replyCode, replyText }: MethodArguments<"connection.close">): PerfError {
  return new PerfError(`the broker refused: ${replyCode} ${replyText}`);
}

/** What a broker can bring about by what it sends; anything else is a defect of ours. */
function asPerfError(error: unknown): PerfError {
  if (error instanceof PerfError) return error;
  if (error instanceof WireError || error instanceof ConnectionLostError) {
    return new PerfError(`the broker sent what makes no sense: ${error.message}`, { cause: error });
  }
  throw error;
}
