// Hot file: every frame that is sent goes through here.

import type { Duplex } from "node:stream";
import type { HeldBuffer } from "../core/message.ts";
import type { Flushable, Turn } from "../core/turn.ts";
import { copyBytes } from "../lib/bytes.ts";

const BUFFER_BYTES = 64 * 1024;
const FREE_BUFFERS_MAX = 64;
/**
 * Handed to the stream at a time, if there is more: what encrypts it makes a copy of what it gets, and that a client takes
 * anything off is seen when all of it has gone.
 */
const PORTION_BYTES = 4 * 1024 * 1024;
const NONE = Buffer.alloc(0);

/** Output buffers that all connections of a broker share, so that an idle connection holds none. */
export class OutboxPool {
  static readonly #pools = new WeakMap<object, OutboxPool>();
  readonly #free: Buffer[] = [];

  /** The pool of a broker; its first connection makes it. */
  static of(broker: object): OutboxPool {
    let pool = OutboxPool.#pools.get(broker);
    if (pool === undefined) {
      pool = new OutboxPool();
      OutboxPool.#pools.set(broker, pool);
    }
    return pool;
  }

  take(bytesMin: number): Buffer {
    if (bytesMin <= BUFFER_BYTES) return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    return Buffer.allocUnsafeSlow(bytesMin);
  }

  giveBack(buffer: Buffer): void {
    if (buffer.length === BUFFER_BYTES && this.#free.length < FREE_BUFFERS_MAX) this.#free.push(buffer);
  }
}

/** Octets to send, and what is free again when they have been sent. */
interface Piece {
  readonly octets: Buffer;
  readonly owner: HeldBuffer | undefined;
  /** An output buffer of which this is the last piece, or which has none behind it. */
  emptied: Buffer | undefined;
}

/** What one connection has to send: gathered in a turn, written at its end. */
export class Outbox implements Flushable {
  /** Where the octets reserved last are to be put. */
  buffer: Buffer = NONE;
  readonly #stream: Duplex;
  readonly #turn: Turn;
  readonly #pool: OutboxPool;
  readonly #bytesMax: number;
  readonly #onWritable: () => void;
  /** How much of the buffer is used, and how much of that is in pieces already. */
  #used = 0;
  #cutAt = 0;
  /** What goes before the rest of the buffer. */
  #pieces: Piece[] = [];
  /** Octets gathered and not yet handed to the stream. */
  #gatheredBytes = 0;
  /** Octets the stream has not sent yet. */
  #sendingBytes = 0;
  #flushRequested = false;
  #wasFull = false;
  /** True when anything has been sent since it was last set to false. */
  sentAny = false;
  /** True when the stream has taken anything off since it was last set to false. */
  progressed = false;

  /** @param onWritable called when `writable` becomes true again after it was found false */
  constructor(stream: Duplex, turn: Turn, pool: OutboxPool, bytesMax: number, onWritable: () => void) {
    this.#stream = stream;
    this.#turn = turn;
    this.#pool = pool;
    this.#bytesMax = bytesMax;
    this.#onWritable = onWritable;
  }

  /** False while as much is waiting to be sent as may be. */
  get writable(): boolean {
    if (this.#gatheredBytes + this.#sendingBytes < this.#bytesMax) return true;
    this.#wasFull = true;
    return false;
  }

  /** Makes room for `bytes` octets, which the caller fills in at once, and returns their offset in `buffer`. */
  reserve(bytes: number): number {
    if (this.#used + bytes > this.buffer.length) this.#nextBuffer(bytes);
    const offset = this.#used;
    this.#used = offset + bytes;
    this.#gatheredBytes += bytes;
    this.sentAny = true;
    if (!this.#flushRequested) this.#requestFlush();
    return offset;
  }

  /** Adds octets `start` to `end` of a buffer without copying them; its owner keeps them until they are sent. */
  share(owner: HeldBuffer, start: number, end: number): void {
    this.#cut(undefined);
    owner.hold();
    this.#pieces.push({ octets: owner.buffer.subarray(start, end), owner, emptied: undefined });
    this.#gatheredBytes += end - start;
    this.sentAny = true;
    if (!this.#flushRequested) this.#requestFlush();
  }

  /** Adds complete frames. */
  write(frames: Buffer): void {
    const offset = this.reserve(frames.length);
    copyBytes(frames, 0, frames.length, this.buffer, offset);
  }

  flush(): void {
    this.#flushRequested = false;
    // While the client is slow, gather on: a buffer for the few octets of each turn would take far more memory than they.
    if (this.#sendingBytes > 0 && this.#pieces.length === 0) return;
    this.#sendGathered(PORTION_BYTES - this.#sendingBytes);
  }

  /** Sends what there is to send, then ends the stream. */
  end(): void {
    this.#sendGathered(Number.POSITIVE_INFINITY);
    this.#stream.end();
  }

  #requestFlush(): void {
    this.#flushRequested = true;
    this.#turn.requestOutput(this);
  }

  /** Hands `bytesMax` octets to the stream, or a piece more, or all there are. */
  #sendGathered(bytesMax: number): void {
    const stream = this.#stream;
    if (this.#gatheredBytes === 0) return;
    if (stream.destroyed || stream.writableEnded) {
      this.#discard();
      return;
    }
    const pieces = this.#takePieces(bytesMax);
    const last = pieces.length - 1;
    if (last < 0) return;
    let bytes = 0;
    for (const { octets } of pieces) bytes += octets.length;
    this.#gatheredBytes -= bytes;
    this.#sendingBytes += bytes;
    if (last > 0) stream.cork();
    for (let index = 0; index < last; index++) stream.write((pieces[index] as Piece).octets);
    stream.write((pieces[last] as Piece).octets, () => this.#sent(pieces, bytes));
    if (last > 0) stream.uncork();
  }

  #sent(pieces: readonly Piece[], bytes: number): void {
    for (const { owner, emptied } of pieces) {
      owner?.release();
      if (emptied !== undefined) this.#pool.giveBack(emptied);
    }
    this.#sendingBytes -= bytes;
    this.progressed = true;
    if (this.#pieces.length > 0) this.#sendGathered(PORTION_BYTES - this.#sendingBytes);
    else if (this.#sendingBytes === 0 && this.#gatheredBytes > 0 && !this.#flushRequested) this.#requestFlush();
    if (this.#wasFull && this.#sendingBytes + this.#gatheredBytes <= this.#bytesMax / 2) {
      this.#wasFull = false;
      this.#onWritable();
    }
  }

  #takePieces(bytesMax: number): Piece[] {
    let count = 0;
    for (let bytes = 0; bytes < bytesMax && count < this.#pieces.length; count++) {
      bytes += (this.#pieces[count] as Piece).octets.length;
    }
    if (count < this.#pieces.length) return this.#pieces.splice(0, count);
    this.#endBuffer();
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #nextBuffer(bytes: number): void {
    this.#endBuffer();
    this.buffer = this.#pool.take(bytes);
  }

  /** Makes a piece of the rest of the buffer, which is then used up. */
  #endBuffer(): void {
    if (this.buffer === NONE) return;
    if (this.#used > this.#cutAt) this.#cut(this.buffer);
    else (this.#pieces[this.#pieces.length - 1] as Piece).emptied = this.buffer;
    this.buffer = NONE;
    this.#used = 0;
    this.#cutAt = 0;
  }

  /** Makes a piece of what has been put into the buffer since the last one. */
  #cut(emptied: Buffer | undefined): void {
    if (this.#used === this.#cutAt) return;
    this.#pieces.push({ octets: this.buffer.subarray(this.#cutAt, this.#used), owner: undefined, emptied });
    this.#cutAt = this.#used;
  }

  #discard(): void {
    for (const { owner } of this.#pieces) owner?.release();
    this.#pieces = [];
    this.#gatheredBytes = 0;
    this.buffer = NONE;
    this.#used = 0;
    this.#cutAt = 0;
  }
}
