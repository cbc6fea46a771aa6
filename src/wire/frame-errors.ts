/** What RabbitMQ says about frames it cannot take, to the letter. Source: `rabbit_reader` (frame_error, unexpected_frame). */

import { octetsPrinted } from "./erlang-text.ts";
import { WireError } from "./errors.ts";
import { FRAME_OVERHEAD_BYTES } from "./frame.ts";

const SNIPPET_BYTES = 16;

export function frameTooLarge(type: number, payloadBytes: number, frameBytesMax: number): WireError {
  const reason = `{frame_too_large,${payloadBytes},${frameBytesMax - FRAME_OVERHEAD_BYTES}}`;
  return new WireError("FRAME_ERROR", `type ${type}, all octets = <<>>: ${reason}`);
}

/** The frame's last octet, at `payloadEnd`, is not the frame-end octet. */
export function invalidFrameEnd(type: number, buffer: Buffer, payloadStart: number, payloadEnd: number): WireError {
  const reason = `{invalid_frame_end_marker,${buffer[payloadEnd]}}`;
  return new WireError("FRAME_ERROR", `${describe(type, buffer, payloadStart, payloadEnd)}: ${reason}`);
}

/** No frame has this type, or none of this type has such a payload. */
export function unknownFrame(type: number, buffer: Buffer, payloadStart: number, payloadEnd: number): WireError {
  return new WireError("FRAME_ERROR", `${describe(type, buffer, payloadStart, payloadEnd)}: unknown_frame`);
}

/** The frame does not belong on its channel. */
export function unexpectedFrame(type: number, buffer: Buffer, payloadStart: number, payloadEnd: number): WireError {
  return new WireError("UNEXPECTED_FRAME", describe(type, buffer, payloadStart, payloadEnd));
}

function describe(type: number, buffer: Buffer, start: number, end: number): string {
  const isLong = end - start > SNIPPET_BYTES;
  const snippet = octetsPrinted(buffer, start, isLong ? start + SNIPPET_BYTES : end);
  return `type ${type}, ${isLong ? `first ${SNIPPET_BYTES}` : "all"} octets = ${snippet}`;
}
