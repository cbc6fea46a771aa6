// Hot file: every performative and every section of a message is checked here before anything is made of it.

import { Amqp10Error } from "../error-condition.ts";
import { isTypeCode } from "./type-names.ts";

/** How deep lists, maps, arrays and descriptors may be nested. */
const DEPTH_MAX = 32;

/** Most elements of an array whose elements take no octets: its size says nothing of what it costs to decode. */
const EMPTY_ELEMENTS_MAX = 1024;

const DESCRIBED = 0x00;

/**
 * The offset behind the value whose constructor is at `start`. Everything in it has been looked at then: sizes and
 * counts agree, nothing overruns `end`, and decoding it takes no more memory than a small multiple of its octets.
 *
 * @throws Amqp10Error amqp:decode-error
 */
export function checkValue(buffer: Buffer, start: number, end: number): number {
  return valueEnd(buffer, start, end, DEPTH_MAX);
}

function valueEnd(buffer: Buffer, start: number, end: number, depthLeft: number): number {
  if (start >= end) throw malformed("a value is cut off");
  if (depthLeft === 0) throw malformed("values are nested too deep");
  let at = start;
  let depth = depthLeft;
  while (buffer[at] === DESCRIBED) {
    at = valueEnd(buffer, at + 1, end, --depth);
    if (at >= end) throw malformed("a described value is cut off");
  }
  return contentEnd(buffer, buffer[at] as number, at + 1, end, depth);
}

/** The offset behind the content of a value of type `code`. */
function contentEnd(buffer: Buffer, code: number, start: number, end: number, depthLeft: number): number {
  if (!isTypeCode(code)) throw unknownType(code);
  const category = code >>> 4;
  if (category < 0xa) return within(start + fixedBytes(category), end);
  const isWide = (category & 1) === 1;
  const width = isWide ? 4 : 1;
  within(start + width, end);
  const size = isWide ? buffer.readUInt32BE(start) : (buffer[start] as number);
  const contentStart = start + width;
  const sizeEnd = within(contentStart + size, end);
  if (category >= 0xc) checkItems(buffer, code, contentStart, sizeEnd, width, depthLeft);
  return sizeEnd;
}

function fixedBytes(category: number): number {
  return category === 4 ? 0 : 2 ** (category - 5);
}

/** Checks the elements of a list, map or array, in front of which their count is. */
function checkItems(buffer: Buffer, code: number, start: number, end: number, width: number, depthLeft: number): void {
  within(start + width, end);
  const count = width === 4 ? buffer.readUInt32BE(start) : (buffer[start] as number);
  let at = start + width;
  if (code >>> 5 === 7) {
    at = arrayEnd(buffer, at, end, count, depthLeft);
  } else {
    if (count > end - at) throw malformed("a count is larger than what is there");
    if ((code & 0xf) === 1 && count % 2 === 1) throw malformed("a map has a key without a value");
    for (let index = 0; index < count; index++) at = valueEnd(buffer, at, end, depthLeft - 1);
  }
  if (at !== end) throw malformed("a size is not that of what is there");
}

function arrayEnd(buffer: Buffer, start: number, end: number, count: number, depthLeft: number): number {
  let at = start;
  let depth = depthLeft - 1;
  while (buffer[at] === DESCRIBED && at < end) {
    if (depth <= 0) throw malformed("values are nested too deep");
    at = valueEnd(buffer, at + 1, end, depth--);
  }
  if (at >= end) throw malformed("an array is cut off");
  const code = buffer[at] as number;
  at++;
  if (!isTypeCode(code)) throw unknownType(code);
  if (code >>> 4 === 4) {
    if (count > EMPTY_ELEMENTS_MAX) throw malformed("an array has too many empty elements");
    return contentEnd(buffer, code, at, end, depth);
  }
  if (count > end - at) throw malformed("a count is larger than what is there");
  if (depth <= 0) throw malformed("values are nested too deep");
  for (let index = 0; index < count; index++) at = contentEnd(buffer, code, at, end, depth);
  return at;
}

function within(offset: number, end: number): number {
  if (offset > end) throw malformed("a value is cut off");
  return offset;
}

function unknownType(code: number): Amqp10Error {
  return malformed(`unknown type code 0x${code.toString(16)}`);
}

function malformed(description: string): Amqp10Error {
  return new Amqp10Error("amqp:decode-error", description);
}
