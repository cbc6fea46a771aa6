import { FRAME_END, FRAME_HEAD_BYTES } from "../../src/wire/frame.ts";

/** One frame as it arrived. */
export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

/** The bytes of a frame. */
export function frameBytes(type: number, channel: number, payload: Uint8Array, frameEnd = FRAME_END): Buffer {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + payload.length + 1);
  frame.writeUInt8(type, 0);
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(payload.length, 3);
  frame.set(payload, FRAME_HEAD_BYTES);
  frame.writeUInt8(frameEnd, frame.length - 1);
  return frame;
}

/** The payload of a method frame made by hand: class id, method id and the bytes of the arguments. */
export function methodPayload(classId: number, methodId: number, args: Uint8Array = Buffer.alloc(0)): Buffer {
  const ids = Buffer.alloc(4);
  ids.writeUInt16BE(classId, 0);
  ids.writeUInt16BE(methodId, 2);
  return Buffer.concat([ids, args]);
}

/** Calls `onFrame` with the start and end of every complete frame; returns where the incomplete rest starts. */
export function forEachFrame(bytes: Buffer, onFrame: (start: number, end: number) => void): number {
  let start = 0;
  while (bytes.length - start >= FRAME_HEAD_BYTES) {
    const end = start + FRAME_HEAD_BYTES + bytes.readUInt32BE(start + 3) + 1;
    if (end > bytes.length) break;
    onFrame(start, end);
    start = end;
  }
  return start;
}
