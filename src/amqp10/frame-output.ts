// Hot file: every frame that is sent goes through here.

import type { Duplex } from "node:stream";
import type { Flushable, Turn } from "../core/turn.ts";
import { encodeValue, type Typed } from "./codec/types.ts";
import { TYPE_AMQP } from "./frame-input.ts";

const FRAME_HEAD_BYTES = 8;
/** The data offset, in units of four octets. */
const DATA_OFFSET = 2;
/** What is smaller is joined until it is as large; what is larger is not copied once more. */
const JOINED_BYTES = 64 * 1024;

/** The frames that one connection has to send: gathered in a turn, written at its end. */
export class FrameOutput implements Flushable {
  readonly #stream: Duplex;
  readonly #turn: Turn;
  readonly #bytesMax: number;
  readonly #onWritable: () => void;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  /** Octets the stream has not sent yet. */
  #sendingBytes = 0;
  #flushRequested = false;
  #wasFull = false;
  /** True when anything has been sent since it was last set to false. */
  sentAny = false;
  /** True when the stream has taken anything off since it was last set to false. */
  progressed = false;

  /**
   * @param bytesMax what may wait to be sent before `writable` is false
   * @param onWritable called when `writable` is true again after it was found false
   */
  constructor(stream: Duplex, turn: Turn, bytesMax: number, onWritable: () => void) {
    this.#stream = stream;
    this.#turn = turn;
    this.#bytesMax = bytesMax;
    this.#onWritable = onWritable;
  }

  /** False while as much is waiting to be sent as may be. */
  get writable(): boolean {
    if (this.#gatheredBytes + this.#sendingBytes < this.#bytesMax) return true;
    this.#wasFull = true;
    return false;
  }

  /** Sends octets as they are. They must not change afterwards. */
  write(octets: Buffer): void {
    this.#gathered.push(octets);
    this.#gatheredBytes += octets.length;
    this.sentAny = true;
    if (this.#flushRequested) return;
    this.#flushRequested = true;
    this.#turn.requestOutput(this);
  }

  /** Sends a frame of nothing but a performative. */
  performative(channel: number, value: Typed, type = TYPE_AMQP): void {
    const body = encodeValue(value);
    this.write(Buffer.concat([frameHead(body.length, type, channel), body]));
  }

  /** Sends a frame of a performative that is encoded, and a payload, which must not change afterwards. */
  frame(channel: number, performative: Buffer, payload: Buffer): void {
    const head = frameHead(performative.length + payload.length, TYPE_AMQP, channel);
    this.write(Buffer.concat([head, performative]));
    this.write(payload);
  }

  /** Sends an empty frame, which says that we are alive. */
  heartbeat(): void {
    this.write(frameHead(0, TYPE_AMQP, 0));
  }

  flush(): void {
    this.#flushRequested = false;
    const bytes = this.#gatheredBytes;
    if (bytes === 0) return;
    const pieces = joined(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#sendingBytes += bytes;
    this.#stream.cork();
    for (const octets of pieces) this.#stream.write(octets, () => this.#sent(octets.length));
    this.#stream.uncork();
  }

  /** Sends what there is to send, then ends our side of the stream. */
  end(): void {
    this.flush();
    this.#stream.end();
  }

  #sent(bytes: number): void {
    this.#sendingBytes -= bytes;
    this.progressed = true;
    if (!this.#wasFull || this.#sendingBytes + this.#gatheredBytes > this.#bytesMax / 2) return;
    this.#wasFull = false;
    this.#onWritable();
  }
}

/** The same octets in few pieces. */
function joined(gathered: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  let group: Buffer[] = [];
  let groupBytes = 0;
  const close = (): void => {
    if (group.length > 0) pieces.push(group.length === 1 ? (group[0] as Buffer) : Buffer.concat(group, groupBytes));
    group = [];
    groupBytes = 0;
  };
  for (const octets of gathered) {
    if (octets.length >= JOINED_BYTES) {
      close();
      pieces.push(octets);
      continue;
    }
    group.push(octets);
    groupBytes += octets.length;
    if (groupBytes >= JOINED_BYTES) close();
  }
  close();
  return pieces;
}

function frameHead(bodyBytes: number, type: number, channel: number): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
  head.writeUInt32BE(FRAME_HEAD_BYTES + bodyBytes, 0);
  head[4] = DATA_OFFSET;
  head[5] = type;
  head.writeUInt16BE(channel, 6);
  return head;
}
