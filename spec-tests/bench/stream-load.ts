import type { Duplex } from "node:stream";
import { completeArguments, type Request, type SomeArguments } from "../../src/client/arguments.ts";
import { startOk, tuneOk } from "../../src/client/handshake.ts";
import { PendingReplies } from "../../src/client/pending-replies.ts";
import { FrameScanner } from "../../src/perf/frame-scanner.ts";
import { PublishBatch } from "../../src/perf/publish-batch.ts";
import { PROTOCOL_HEADER } from "../../src/wire/frame.ts";
import { decodeArguments, encodeMethodFrame } from "../../src/wire/method-codec.ts";
import { type MethodArguments, type MethodName, methodById } from "../../src/wire/methods.ts";

/** Messages published and not yet confirmed. */
const UNCONFIRMED_MAX = 5_000;
const CHANNEL = 1;

export interface StreamLoadOptions {
  readonly queue: string;
  readonly bodyBytes: number;
  readonly publishesPerWrite: number;
}

/** A client that publishes or consumes over any stream of octets, and costs little while it does. */
export class StreamLoad {
  /** How many have arrived. */
  messages = 0;
  readonly #stream: Duplex;
  readonly #scanner = new FrameScanner((octets, start, end) => this.#takeMethod(octets, start, end));
  readonly #replies = new PendingReplies();
  #kept: Buffer = Buffer.alloc(0);
  #published = 0;
  #confirmed = 0;
  #publishMore: () => void = () => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#scanner.traffic = {
      message: () => this.messages++,
      nothing: () => {},
      confirm: (deliveryTag, multiple) => {
        this.#confirmed = multiple ? deliveryTag : this.#confirmed + 1;
      },
      readEnd: () => this.#publishMore(),
    };
    stream.on("data", (chunk: Buffer) => this.#received(chunk));
    stream.on("error", (error) => this.#replies.fail(error));
  }

  async login(): Promise<void> {
    const options = { heartbeatSeconds: 0 };
    this.#stream.write(PROTOCOL_HEADER);
    this.#send("connection.start-ok", startOk(await this.#expect("connection.start"), options), 0);
    this.#send("connection.tune-ok", tuneOk(await this.#expect("connection.tune"), options), 0);
    this.#send("connection.open", { virtualHost: "/" }, 0);
    await this.#expect("connection.open-ok");
    await this.call("channel.open");
  }

  call<N extends Request>(name: N, args: SomeArguments<N> = {}): Promise<MethodArguments<`${N}-ok`>> {
    this.#send(name, args);
    return this.#expect(`${name}-ok`);
  }

  /** Publishes from now on, as fast as confirms allow. */
  publish({ queue, bodyBytes, publishesPerWrite }: StreamLoadOptions): void {
    const shape = { exchange: "", routingKeys: [queue], bodyBytes, persistent: false };
    const batch = new PublishBatch(shape, 0);
    const count = Math.min(publishesPerWrite, batch.count);
    const octets = batch.slice(0, count);
    this.#publishMore = () => {
      while (this.#published - this.#confirmed + count <= UNCONFIRMED_MAX) {
        this.#stream.write(octets);
        this.#published += count;
      }
    };
    this.#publishMore();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #send<N extends MethodName>(name: N, args: SomeArguments<N>, channel = CHANNEL): void {
    this.#stream.write(encodeMethodFrame(channel, name, completeArguments(name, args)));
  }

  #expect<N extends MethodName>(name: N): Promise<MethodArguments<N>> {
    return this.#replies.expect([name], (_, reply) => reply as MethodArguments<N>);
  }

  #received(chunk: Buffer): void {
    const octets = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = octets.subarray(this.#scanner.scan(octets, 0, octets.length));
    this.#scanner.traffic.readEnd();
  }

  #takeMethod(octets: Buffer, start: number, end: number): void {
    const spec = methodById(octets.readUInt16BE(start), octets.readUInt16BE(start + 2));
    if (spec === undefined) throw new RangeError("the broker sent a method that AMQP 0-9-1 does not have");
    this.#replies.settle(spec.name, decodeArguments(spec, octets, start + 4, end));
  }
}
