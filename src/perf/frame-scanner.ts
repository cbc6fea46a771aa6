// Hot file: runs for every frame received; allocates nothing and copies nothing for messages and confirms.

import {
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_BYTES,
  FRAME_HEADER,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
} from "../wire/frame.ts";
import { METHODS, type MethodName } from "../wire/methods.ts";
import { PerfError } from "./perf-error.ts";

/** Octets of a content header frame up to the end of the body size. */
const BODY_SIZE_END = FRAME_HEAD_BYTES + 12;

/** Octets at the start of a body that tell when it was sent. */
export const STAMP_BYTES = 8;

const DELIVER = methodKey("basic.deliver");
const GET_OK = methodKey("basic.get-ok");
const GET_EMPTY = methodKey("basic.get-empty");
const ACK = methodKey("basic.ack");
const NACK = methodKey("basic.nack");

/** What a connection receives, without an object for any of it. */
export interface Traffic {
  /** A whole message has arrived; `stamp` is what the first octets of its body say, 0 when it is too short for one. */
  message(deliveryTag: number, stamp: number): void;
  /** Where the property flags and properties of the message to come are; absent: nobody looks at them. */
  properties?(octets: Buffer, start: number, end: number): void;
  /** basic.get found the queue empty. */
  nothing(): void;
  /** basic.ack or, when `positive` is false, basic.nack. */
  confirm(deliveryTag: number, multiple: boolean, positive: boolean): void;
  /** Everything that came in one read has been handed over. */
  readEnd(): void;
}

/** Takes messages and confirms, and forgets them. */
export const NO_TRAFFIC: Traffic = { message() {}, nothing() {}, confirm() {}, readEnd() {} };

/**
 * Finds messages and confirms in the octets of a connection by looking at the heads of frames only. Bodies are passed
 * over however many reads they take; at most the beginning of one frame has to be kept from one read to the next.
 * Content may come on one channel only.
 */
export class FrameScanner {
  /** Takes messages and confirms. */
  traffic: Traffic = NO_TRAFFIC;
  readonly #method: (octets: Buffer, start: number, end: number) => void;
  /** Octets of the current frame that are still to come. */
  #skipBytes = 0;
  #bodyBytesLeft = 0;
  #bodyStarted = false;
  #deliveryTag = 0;
  #stamp = 0;

  /** @param method takes every other method frame: where its payload is. */
  constructor(method: (octets: Buffer, start: number, end: number) => void) {
    this.#method = method;
  }

  /** Takes octets `start` to `end`; returns the offset from which on they must be given again with what follows. */
  scan(octets: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#skipBytes > 0) {
      const bytes = Math.min(this.#skipBytes, end - at);
      this.#skipBytes -= bytes;
      if (this.#skipBytes > 0) return end;
      at += bytes;
      if (this.#bodyBytesLeft === 0) this.traffic.message(this.#deliveryTag, this.#stamp);
    }
    while (end - at >= FRAME_HEAD_BYTES) {
      const type = octets[at] as number;
      const payloadBytes = readLong(octets, at + 3);
      const next = at + payloadBytes + FRAME_OVERHEAD_BYTES;
      if (next <= end && octets[next - 1] !== FRAME_END) throw new PerfError("the broker sent a frame without its end");
      if (type === FRAME_METHOD) {
        if (next > end) return at;
        this.#takeMethod(octets, at + FRAME_HEAD_BYTES, next - 1);
      } else if (type === FRAME_HEADER || type === FRAME_BODY) {
        const looked =
          type === FRAME_HEADER
            ? this.#takeHeader(octets, at, end, next)
            : this.#takeBody(octets, at, end, payloadBytes);
        if (!looked) return at;
        if (next > end) {
          this.#skipBytes = next - end;
          return end;
        }
        if (this.#bodyBytesLeft === 0) this.traffic.message(this.#deliveryTag, this.#stamp);
      } else if (next > end) {
        return at;
      }
      at = next;
    }
    return at;
  }

  #takeMethod(octets: Buffer, start: number, end: number): void {
    const key = readLong(octets, start);
    const at = start + 4;
    switch (key) {
      case DELIVER:
        this.#deliveryTag = readLonglong(octets, at + 1 + (octets[at] as number));
        return;
      case GET_OK:
        this.#deliveryTag = readLonglong(octets, at);
        return;
      case ACK:
      case NACK:
        this.traffic.confirm(readLonglong(octets, at), ((octets[at + 8] as number) & 1) !== 0, key === ACK);
        return;
      case GET_EMPTY:
        this.traffic.nothing();
        return;
      default:
        this.#method(octets, start, end);
    }
  }

  /** False when too little of the frame is there to tell the size of the body, or to show the properties. */
  #takeHeader(octets: Buffer, at: number, end: number, next: number): boolean {
    if (end - at < BODY_SIZE_END) return false;
    if (this.traffic.properties !== undefined) {
      if (next > end) return false;
      this.traffic.properties(octets, at + BODY_SIZE_END, next - 1);
    }
    this.#bodyBytesLeft = readLonglong(octets, at + BODY_SIZE_END - 8);
    this.#bodyStarted = false;
    this.#stamp = 0;
    return true;
  }

  /** False when too little of the frame is there to read the stamp. */
  #takeBody(octets: Buffer, at: number, end: number, payloadBytes: number): boolean {
    if (!this.#bodyStarted && payloadBytes >= STAMP_BYTES) {
      if (end - at < FRAME_HEAD_BYTES + STAMP_BYTES) return false;
      this.#stamp = readLonglong(octets, at + FRAME_HEAD_BYTES);
    }
    this.#bodyStarted = true;
    this.#bodyBytesLeft -= payloadBytes;
    return true;
  }
}

function methodKey(name: MethodName): number {
  return METHODS[name].classId * 0x10000 + METHODS[name].methodId;
}

function readLong(octets: Buffer, at: number): number {
  return (
    (((octets[at] as number) << 24) |
      ((octets[at + 1] as number) << 16) |
      ((octets[at + 2] as number) << 8) |
      (octets[at + 3] as number)) >>>
    0
  );
}

function readLonglong(octets: Buffer, at: number): number {
  return readLong(octets, at) * 0x100000000 + readLong(octets, at + 4);
}
