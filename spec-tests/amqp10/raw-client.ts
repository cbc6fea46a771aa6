import type { Duplex } from "node:stream";
import type { Fields } from "../../src/amqp10/codec/fields.ts";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import {
  binary,
  bool,
  composite,
  map,
  NULL,
  string,
  symbol,
  type Typed,
  ubyte,
  uint,
} from "../../src/amqp10/codec/types.ts";
import { FrameClient, type ReceivedFrame } from "./frame-client.ts";

const TARGET = 0x29;
const SOURCE = 0x28;
/** A data section that holds "x". */
const MESSAGE = Buffer.from("005375a00178", "hex");

export interface AttachOptions {
  readonly name?: string;
  readonly handle?: number;
  readonly receives?: boolean;
  readonly address?: string;
  readonly second?: boolean;
  readonly expiryPolicy?: string;
  readonly timeoutSeconds?: number;
  /** Tags of deliveries that are unsettled. */
  readonly unsettled?: readonly string[];
  /** There are more of them. */
  readonly incomplete?: boolean;
  readonly initialDeliveryCount?: number;
}

export interface TransferOptions {
  readonly handle?: number;
  readonly tag: string;
  readonly settled?: boolean;
  readonly more?: boolean;
  readonly resume?: boolean;
  readonly aborted?: boolean;
  readonly payload?: Buffer;
}

/** A client that sends the frames it is told to: one session, on channel 0. */
export class RawClient extends FrameClient {
  /** Opens a connection and begins a session whose transfers start at `nextOutgoingId`. */
  static async open(
    stream: Duplex,
    { container = "raw", frameBytesMax = 65_536, nextOutgoingId = 0 } = {},
  ): Promise<RawClient> {
    const client = new RawClient(stream);
    client.send(PERFORMATIVES.open, [string(container), undefined, uint(frameBytesMax)]);
    client.begin(nextOutgoingId);
    await client.next(PERFORMATIVES.begin);
    return client;
  }

  begin(nextOutgoingId = 0): void {
    this.send(PERFORMATIVES.begin, [undefined, uint(nextOutgoingId), uint(1000), uint(1000)]);
  }

  send(code: number, fields: readonly (Typed | undefined)[], payload?: Buffer): void {
    this.sendFrame(0, code, fields, payload);
  }

  /** Attaches a link and returns our answer, which must have a target or source. */
  async attach(options: AttachOptions): Promise<Fields> {
    const { name = "link", handle = 0, receives = false, address = "/queues/q", unsettled } = options;
    const terminus = [
      string(address),
      undefined,
      options.expiryPolicy === undefined ? undefined : symbol(options.expiryPolicy),
      options.timeoutSeconds === undefined ? undefined : uint(options.timeoutSeconds),
    ];
    this.send(PERFORMATIVES.attach, [
      string(name),
      uint(handle),
      bool(receives),
      undefined,
      options.second === true ? ubyte(1) : undefined,
      composite(SOURCE, receives ? terminus : []),
      composite(TARGET, receives ? [] : terminus),
      unsettled === undefined ? undefined : map(unsettled.flatMap((tag) => [binary(Buffer.from(tag)), NULL])),
      options.incomplete === undefined ? undefined : bool(options.incomplete),
      receives ? undefined : uint(options.initialDeliveryCount ?? 0),
    ]);
    return (await this.next(PERFORMATIVES.attach)).fields;
  }

  transfer(deliveryId: number, options: TransferOptions): void {
    const { handle = 0, tag, settled = false, more = false, resume = false, aborted = false } = options;
    this.send(
      PERFORMATIVES.transfer,
      [
        uint(handle),
        uint(deliveryId),
        binary(Buffer.from(tag)),
        uint(0),
        bool(settled),
        bool(more),
        undefined,
        undefined,
        bool(resume),
        bool(aborted),
      ],
      options.payload ?? MESSAGE,
    );
  }

  /** Says that deliveries are settled, as their sender. */
  settle(first: number, last = first): void {
    this.send(PERFORMATIVES.disposition, [bool(false), uint(first), uint(last), bool(true)]);
  }

  detach(closed = false, handle = 0): Promise<ReceivedFrame> {
    this.send(PERFORMATIVES.detach, [uint(handle), bool(closed)]);
    return this.next(PERFORMATIVES.detach);
  }

  /** The next frame with that performative; those before it are passed over. */
  next(code: number): Promise<ReceivedFrame> {
    return this.found(code, () => {
      const index = this.frames.findIndex((frame) => frame.code === code);
      return this.frames.splice(0, index < 0 ? this.frames.length : index + 1)[index];
    });
  }

  /** What the next disposition says: delivery ids, whether they are settled, and the descriptor of the state. */
  async disposition(): Promise<{ first: number; last: number; settled: boolean; state: number | undefined }> {
    const { fields } = await this.next(PERFORMATIVES.disposition);
    const first = fields.requiredNumber(1);
    return { first, last: fields.number(2) ?? first, settled: fields.flag(3), state: descriptorOf(fields.get(4)) };
  }

  /** The connection is lost. */
  lose(): void {
    this.stream.destroy();
  }
}

/** The number of a delivery state's descriptor. */
export function descriptorOf(state: Typed | undefined): number | undefined {
  return state?.descriptor === undefined ? undefined : Number(state.descriptor.value);
}

/** The unsettled map of an attach: descriptors of states by tag; undefined when there is none. */
export function unsettledOf(attach: Fields): Record<string, number | undefined> | undefined {
  const items = attach.get(7)?.value as readonly Typed[] | undefined;
  if (items === undefined) return undefined;
  const entries: [string, number | undefined][] = [];
  for (let index = 0; index < items.length; index += 2) {
    entries.push([String((items[index] as Typed).value), descriptorOf(items[index + 1])]);
  }
  return Object.fromEntries(entries);
}
