import type { Duplex } from "node:stream";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import { binary, bool, composite, string, type Typed, ubyte, uint } from "../../src/amqp10/codec/types.ts";
import { FrameClient, type ReceivedFrame } from "./frame-client.ts";

export { type ReceivedFrame, rawFrame } from "./frame-client.ts";

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
export class RawClient extends FrameClient {
  /** What `together` gathers; undefined when it does not. */
  #gathered: Buffer[] | undefined;

  /** Opens a connection and, on channel 0, a session. */
  constructor(stream: Duplex, incomingWindow = 1000, frameBytesMax = 65_536) {
    super(stream);
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
    this.sendFrame(channel, code, fields, payload);
  }

  /** Sends in one piece what `sends` sends. */
  together(sends: () => void): void {
    const gathered: Buffer[] = [];
    this.#gathered = gathered;
    sends();
    this.#gathered = undefined;
    this.write(Buffer.concat(gathered));
  }

  /** The first frame of that kind that has not been asked for. */
  next(code: number, matches: (frame: ReceivedFrame) => boolean = () => true): Promise<ReceivedFrame> {
    return this.found(code, () => {
      const index = this.frames.findIndex((frame) => frame.code === code && matches(frame));
      return index < 0 ? undefined : this.frames.splice(index, 1)[0];
    });
  }

  /** The condition of the error with which the broker answers; undefined: none. */
  static conditionOf(frame: ReceivedFrame, index: number): string | undefined {
    const error = frame.fields.get(index)?.value as readonly Typed[] | undefined;
    return error?.[0]?.value as string | undefined;
  }

  protected override write(octets: Buffer): void {
    if (this.#gathered === undefined) super.write(octets);
    else this.#gathered.push(octets);
  }
}
