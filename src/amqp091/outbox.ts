// Hot file: every frame that is sent goes through here.

import type { Duplex } from "node:stream";
import type { Flushable, Turn } from "../core/turn.ts";
import { copyBytes } from "../lib/bytes.ts";

const BUFFER_BYTES = 64 * 1024;
const FREE_BUFFERS_MAX = 64;
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

/** What one connection has to send: gathered in a turn, written at its end. */
export class Outbox implements Flushable {
  /** Where the octets reserved last are to be put. */
  buffer: Buffer = NONE;
  readonly #stream: Duplex;
  readonly #turn: Turn;
  readonly #pool: OutboxPool;
  readonly #bytesMax: number;
  readonly #onWritable: () => void;
  #used = 0;
  /** Full buffers of this turn, and how much of each is used. */
  #full: Buffer[] = [];
  #fullBytes: number[] = [];
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

  /** Adds complete frames. */
  write(frames: Buffer): void {
    const offset = this.reserve(frames.length);
    copyBytes(frames, 0, frames.length, this.buffer, offset);
  }

  flush(): void {
    this.#flushRequested = false;
    // While the client is slow, gather on: a buffer for the few octets of each turn would take far more memory than they.
    if (this.#sendingBytes > 0 && this.#full.length === 0) return;
    this.#sendGathered();
  }

  /** Sends what there is to send, then ends the stream. */
  end(): void {
    this.#sendGathered();
    this.#stream.end();
  }

  #requestFlush(): void {
    this.#flushRequested = true;
    this.#turn.requestOutput(this);
  }

  #sendGathered(): void {
    const stream = this.#stream;
    if (this.#gatheredBytes === 0) return;
    if (stream.destroyed || stream.writableEnded) {
      this.#discard();
      return;
    }
    this.#sendingBytes += this.#gatheredBytes;
    this.#gatheredBytes = 0;
    const full = this.#full;
    if (full.length > 0) {
      const fullBytes = this.#fullBytes;
      this.#full = [];
      this.#fullBytes = [];
      stream.cork();
      for (let index = 0; index < full.length; index++) this.#send(full[index] as Buffer, fullBytes[index] as number);
      this.#send(this.buffer, this.#used);
      stream.uncork();
    } else {
      this.#send(this.buffer, this.#used);
    }
    this.buffer = NONE;
    this.#used = 0;
  }

  #send(buffer: Buffer, bytes: number): void {
    this.#stream.write(bytes === buffer.length ? buffer : buffer.subarray(0, bytes), () => {
      this.#pool.giveBack(buffer);
      this.#sendingBytes -= bytes;
      this.progressed = true;
      if (this.#sendingBytes === 0 && this.#gatheredBytes > 0 && !this.#flushRequested) this.#requestFlush();
      if (this.#wasFull && this.#sendingBytes + this.#gatheredBytes <= this.#bytesMax / 2) {
        this.#wasFull = false;
        this.#onWritable();
      }
    });
  }

  #nextBuffer(bytes: number): void {
    if (this.#used > 0) {
      this.#full.push(this.buffer);
      this.#fullBytes.push(this.#used);
    }
    this.buffer = this.#pool.take(bytes);
    this.#used = 0;
  }

  #discard(): void {
    this.#gatheredBytes = 0;
    this.#full = [];
    this.#fullBytes = [];
    this.buffer = NONE;
    this.#used = 0;
  }
}
