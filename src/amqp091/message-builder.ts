// Hot file: adds every octet of a body that is not in one read of the socket.

import type { Message } from "../core/message.ts";
import { type Arena, type ArenaPool, LARGE_MESSAGE_BYTES } from "../core/queue/arena.ts";
import { RECORD_HEAD_BYTES } from "../core/queue/record.ts";
import type { UnfinishedBudget } from "../core/unfinished-budget.ts";
import { copyBytes } from "../lib/bytes.ts";
import { FRAME_BODY, FRAME_END, FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES } from "../wire/frame.ts";

/** A message that is merely announced costs no more memory than this. */
const BYTES_AT_ONCE = 1024 * 1024;
/** Beyond it, no more than so many times what has come. Memory that nobody has written to does not exist yet. */
const GROWTH = 8;

const NOTHING = Buffer.alloc(0);

/** Puts a message together in memory of its own, in canonical form, whatever frames its body comes in. */
export class MessageBuilder {
  readonly #frameBytesMax: number;
  readonly #arenas: ArenaPool;
  readonly #unfinished: UnfinishedBudget;
  #buffer: Buffer = NOTHING;
  /** Where a large message is put together. */
  #arena: Arena | undefined;
  #used = 0;
  #addressStart = 0;
  #contentStart = 0;
  /** Octets of the message when it is complete, and of its body. */
  #totalBytes = 0;
  #bodyBytes = 0;
  /** Octets of the body that are yet to come, and how many of them are the frame's at hand. */
  #bodyLeft = 0;
  #frameLeft = 0;
  /** Octets taken from the budget. */
  #takenBytes = 0;

  /** @param frameBytesMax frame size in which content is kept; 0: any */
  constructor(frameBytesMax: number, arenas: ArenaPool, unfinished: UnfinishedBudget) {
    this.#frameBytesMax = frameBytesMax;
    this.#arenas = arenas;
    this.#unfinished = unfinished;
  }

  /** True from `begin` until the message is released. */
  get active(): boolean {
    return this.#totalBytes > 0;
  }

  /** Octets of the body that are yet to come. */
  get bodyLeft(): number {
    return this.#bodyLeft;
  }

  /**
   * Begins a message with a body.
   *
   * @param address exchange name and routing key, as shortstrs
   * @param header the content header frame
   * @throws BrokerError RESOURCE_ERROR when too much is unfinished
   */
  begin(address: Buffer, header: Buffer, bodyBytes: number): void {
    const frameCount = Math.ceil(bodyBytes / this.#payloadBytesMax(bodyBytes));
    const bytes = address.length + header.length + bodyBytes + frameCount * FRAME_OVERHEAD_BYTES;
    // A log can record the message where it is.
    const headroomBytes = bytes > LARGE_MESSAGE_BYTES ? RECORD_HEAD_BYTES : 0;
    this.#totalBytes = headroomBytes + bytes;
    this.#bodyBytes = bodyBytes;
    this.#bodyLeft = bodyBytes;
    this.#addressStart = headroomBytes;
    this.#contentStart = headroomBytes + address.length;
    this.#used = this.#contentStart + header.length;
    this.#makeRoom(this.#used);
    copyBytes(address, 0, address.length, this.#buffer, this.#addressStart);
    copyBytes(header, 0, header.length, this.#buffer, this.#contentStart);
  }

  /**
   * Adds octets `start` to `end` of `source` to the body; they must not be more than are left.
   *
   * @throws BrokerError RESOURCE_ERROR when too much is unfinished
   */
  add(source: Buffer, start: number, end: number): void {
    const frameCount = Math.ceil((end - start) / this.#payloadBytesMax(this.#bodyBytes)) + 1;
    this.#makeRoom(Math.min(this.#totalBytes, this.#used + end - start + frameCount * FRAME_OVERHEAD_BYTES));
    let from = start;
    while (from < end) {
      if (this.#frameLeft === 0) this.#beginFrame();
      const to = Math.min(end, from + this.#frameLeft);
      copyBytes(source, from, to, this.#buffer, this.#used);
      this.#used += to - from;
      this.#frameLeft -= to - from;
      this.#bodyLeft -= to - from;
      from = to;
      if (this.#frameLeft === 0) this.#buffer[this.#used++] = FRAME_END;
    }
  }

  /** Makes `message` the message that is complete. It is good until `release`, and longer for who holds its owner. */
  view(message: Message): void {
    if (this.#arena !== undefined) this.#arena.headroomIsFree = true;
    message.buffer = this.#buffer;
    message.owner = this.#arena;
    message.addressStart = this.#addressStart;
    message.addressEnd = this.#contentStart;
    message.contentStart = this.#contentStart;
    message.contentEnd = this.#totalBytes;
  }

  /** Lets go of the message, complete or not. */
  release(): void {
    this.#arena?.release();
    this.#arena = undefined;
    this.#buffer = NOTHING;
    this.#totalBytes = 0;
    this.#frameLeft = 0;
    this.#unfinished.giveBack(this.#takenBytes);
    this.#takenBytes = 0;
  }

  #beginFrame(): void {
    const buffer = this.#buffer;
    const payloadBytes = Math.min(this.#bodyLeft, this.#payloadBytesMax(this.#bodyBytes));
    buffer[this.#used] = FRAME_BODY;
    buffer.writeUInt32BE(payloadBytes, this.#used + FRAME_HEAD_BYTES - 4);
    this.#used += FRAME_HEAD_BYTES;
    this.#frameLeft = payloadBytes;
  }

  #payloadBytesMax(bodyBytes: number): number {
    return this.#frameBytesMax === 0 ? bodyBytes : this.#frameBytesMax - FRAME_OVERHEAD_BYTES;
  }

  /** Sees to it that the first `bytes` octets have room. */
  #makeRoom(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    let roomBytes = this.#totalBytes;
    while (roomBytes > BYTES_AT_ONCE && roomBytes > bytes * GROWTH) roomBytes = Math.ceil(roomBytes / GROWTH);
    const bodyRoomBytes = Math.min(roomBytes, this.#bodyBytes);
    this.#unfinished.take(bodyRoomBytes - this.#takenBytes);
    this.#takenBytes = bodyRoomBytes;
    const outgrown = this.#arena;
    const filled = this.#buffer;
    if (this.#addressStart === 0) {
      this.#buffer = Buffer.allocUnsafe(roomBytes);
    } else {
      this.#arena = this.#arenas.take(roomBytes);
      this.#arena.hold();
      this.#buffer = this.#arena.buffer;
    }
    filled.copy(this.#buffer, 0, 0, Math.min(this.#used, filled.length));
    outgrown?.release();
  }
}
