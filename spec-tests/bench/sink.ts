import { createServer, type Server, type Socket } from "node:net";
import { completeArguments, type SomeArguments } from "../../src/client/arguments.ts";
import { CHANNEL } from "../../src/perf/connection.ts";
import { FrameScanner } from "../../src/perf/frame-scanner.ts";
import { encodeContent } from "../../src/wire/content.ts";
import { EMPTY_TABLE } from "../../src/wire/field-table.ts";
import { FRAME_OVERHEAD_BYTES, PROTOCOL_HEADER } from "../../src/wire/frame.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import { type MethodName, methodById } from "../../src/wire/methods.ts";
import { encodeProperties } from "../../src/wire/properties.ts";

const FRAME_BYTES_MAX = 131_072;
const DELIVERIES_BYTES = 64 * 1024;

/** What a sink sends at once in reply to a method of a client. */
const REPLIES: Readonly<Partial<Record<MethodName, { name: MethodName; args?: SomeArguments<MethodName> }>>> = {
  "connection.start-ok": { name: "connection.tune", args: { channelMax: 100, frameMax: FRAME_BYTES_MAX } },
  "connection.open": { name: "connection.open-ok" },
  "connection.close": { name: "connection.close-ok" },
  "channel.open": { name: "channel.open-ok" },
  "queue.declare": { name: "queue.declare-ok", args: { queue: "sink" } },
  "confirm.select": { name: "confirm.select-ok" },
  "basic.qos": { name: "basic.qos-ok" },
};

/**
 * A server that speaks just enough AMQP 0-9-1 to be published to and consumed from, and does nothing else: what is
 * published is counted and confirmed, and consumers get the same messages over and over without end. What a load
 * generator does against it is the most it can do.
 */
export class Sink {
  readonly port: number;
  readonly #server: Server;
  readonly #connections: Set<SinkConnection>;

  private constructor(server: Server, connections: Set<SinkConnection>) {
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
    this.port = address.port;
    this.#server = server;
    this.#connections = connections;
  }

  /** @param bodyBytes octets of the messages that consumers get */
  static async listen(bodyBytes: number): Promise<Sink> {
    const connections = new Set<SinkConnection>();
    const deliveries = encodeDeliveries(bodyBytes);
    const server = createServer({ noDelay: true }, (socket) => {
      connections.add(new SinkConnection(socket, deliveries));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Sink(server, connections);
  }

  /** Messages that have been published. */
  get received(): number {
    return [...this.#connections].reduce((sum, { received }) => sum + received, 0);
  }

  /** Acknowledgements that have come, however many messages each covers. */
  get acknowledgements(): number {
    return [...this.#connections].reduce((sum, { acknowledgements }) => sum + acknowledgements, 0);
  }

  close(): void {
    this.#server.close();
    for (const { socket } of this.#connections) socket.destroy();
  }
}

class SinkConnection {
  readonly socket: Socket;
  received = 0;
  acknowledgements = 0;
  readonly #deliveries: Buffer;
  readonly #scanner: FrameScanner;
  #kept: Buffer = Buffer.alloc(0);
  #greeted = false;
  #confirming = false;
  #confirmed = 0;

  constructor(socket: Socket, deliveries: Buffer) {
    this.socket = socket;
    this.#deliveries = deliveries;
    this.#scanner = new FrameScanner((octets, start) => this.#takeMethod(octets, start));
    this.#scanner.traffic = {
      message: () => this.received++,
      confirm: () => this.acknowledgements++,
      nothing: () => {},
      readEnd: () => this.#confirm(),
    };
    socket.on("data", (chunk: Buffer) => this.#takeOctets(chunk));
    // The client may hang up whenever it likes.
    socket.on("error", () => socket.destroy());
  }

  #takeOctets(chunk: Buffer): void {
    let octets = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    if (!this.#greeted && octets.length >= PROTOCOL_HEADER.length) {
      this.#greeted = true;
      octets = octets.subarray(PROTOCOL_HEADER.length);
      const start = {
        versionMajor: 0,
        versionMinor: 9,
        mechanisms: Buffer.from("PLAIN"),
        locales: Buffer.from("en_US"),
      };
      this.#send(0, "connection.start", { ...start, serverProperties: EMPTY_TABLE });
    }
    this.#kept = this.#greeted ? octets.subarray(this.#scanner.scan(octets, 0, octets.length)) : octets;
    this.#confirm();
  }

  #takeMethod(octets: Buffer, start: number): void {
    const name = methodById(octets.readUInt16BE(start), octets.readUInt16BE(start + 2))?.name;
    if (name === undefined || name === "basic.publish") return;
    if (name === "confirm.select") this.#confirming = true;
    if (name === "basic.consume") this.#deliver();
    const reply = REPLIES[name];
    if (reply !== undefined) this.#send(octets.readUInt16BE(start - 6), reply.name, reply.args);
    if (name === "connection.close") this.socket.end();
  }

  #deliver(): void {
    if (this.socket.writable) this.socket.write(this.#deliveries, () => setImmediate(() => this.#deliver()));
  }

  #confirm(): void {
    if (!this.#confirming || this.#confirmed === this.received) return;
    this.#confirmed = this.received;
    this.#send(CHANNEL, "basic.ack", { deliveryTag: this.received, multiple: true });
  }

  #send<N extends MethodName>(channel: number, name: N, args: SomeArguments<N> = {}): void {
    if (this.socket.writable) this.socket.write(encodeMethodFrame(channel, name, completeArguments(name, args)));
  }
}

function encodeDeliveries(bodyBytes: number): Buffer {
  const args = { consumerTag: "0", deliveryTag: 1, redelivered: false, exchange: "", routingKey: "sink" };
  const content = encodeContent(encodeProperties({}), Buffer.alloc(bodyBytes), FRAME_BYTES_MAX);
  for (let frame = 0; frame < content.length; frame += FRAME_OVERHEAD_BYTES + content.readUInt32BE(frame + 3)) {
    content.writeUInt16BE(CHANNEL, frame + 1);
  }
  const delivery = Buffer.concat([encodeMethodFrame(CHANNEL, "basic.deliver", args), content]);
  const count = Math.max(1, Math.floor(DELIVERIES_BYTES / delivery.length));
  return Buffer.concat(Array.from({ length: count }, () => delivery));
}
