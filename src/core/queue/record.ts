// Hot file: runs for every message that is queued. No allocation, no closures.

import { copyBytes } from "../../lib/bytes.ts";
import type { Message } from "../message.ts";

/**
 * A record is one message inside a chunk. All integers are big-endian.
 *
 * | offset | octets | meaning |
 * |---|---|---|
 * | 0 | 4 | length of the whole record |
 * | 4 | 1 | flags: 1 persistent, 2 tombstone (nothing follows), 4 dead-lettered, 8 BCC keys follow the content, 16 a consumer has failed on it in an earlier queue |
 * | 5 | 1 | priority; 255: none |
 * | 6 | 2 | length of the address |
 * | 8 | 6 | published at, milliseconds since the Unix epoch |
 * | 14 | 6 | expires at, milliseconds since the Unix epoch; 0: never |
 * | 20 | | address, then content, as {@link Message} defines them |
 * | | | with flag 8: the BCC keys as longstrs, and in the last 4 octets how many octets they take |
 */
export const RECORD_HEAD_BYTES = 20;

const FLAG_PERSISTENT = 1;
const FLAG_TOMBSTONE = 2;
const FLAG_DEAD_LETTERED = 4;
const FLAG_BCC = 8;
const FLAG_HAS_FAILED = 16;

/** Follows the BCC keys. */
const BCC_LENGTH_BYTES = 4;

const NO_BCC = Buffer.alloc(0);

/** A tombstone keeps the place of a message that was settled before its chunk was written or merged. */
export const TOMBSTONE_BYTES = 5;

/** In a content header frame: the low half of the body size, after the frame head, class, weight and high half. */
const CONTENT_BODY_BYTES_OFFSET = 15;

const HIGH = 2 ** 32;

/** Octets the record of `message` takes. */
export function recordBytesOf(message: Message): number {
  const bytes =
    RECORD_HEAD_BYTES + (message.addressEnd - message.addressStart) + (message.contentEnd - message.contentStart);
  if (message.bcc.length === 0 && message.splice === undefined) return bytes;
  const bccBytes = message.bcc.length === 0 ? 0 : message.bcc.length + BCC_LENGTH_BYTES;
  return bytes + bccBytes + (message.splice?.grownBytes ?? 0);
}

/** Writes the record of `message`, `recordBytes` long, at `offset` of `target`; `persistent`: a restart must find it. */
export function writeRecord(
  message: Message,
  persistent: boolean,
  recordBytes: number,
  target: Buffer,
  offset: number,
): void {
  const addressBytes = message.addressEnd - message.addressStart;
  writeRecordHead(message, persistent, recordBytes, target, offset);
  if (message.bcc.length > 0) writeBcc(message, target, offset, offset + recordBytes);
  const addressAt = offset + RECORD_HEAD_BYTES;
  if (message.splice !== undefined) {
    copyBytes(message.buffer, message.addressStart, message.addressEnd, target, addressAt);
    message.splice.write(message.buffer, message.contentStart, message.contentEnd, target, addressAt + addressBytes);
    return;
  }
  if (message.contentStart === message.addressEnd) {
    copyBytes(message.buffer, message.addressStart, message.contentEnd, target, addressAt);
    return;
  }
  copyBytes(message.buffer, message.addressStart, message.addressEnd, target, addressAt);
  copyBytes(message.buffer, message.contentStart, message.contentEnd, target, addressAt + addressBytes);
}

/** Writes the part of a record that goes before the address. */
export function writeRecordHead(
  message: Message,
  persistent: boolean,
  recordBytes: number,
  target: Uint8Array,
  offset: number,
): void {
  const addressBytes = message.addressEnd - message.addressStart;
  writeUInt32(target, offset, recordBytes);
  let flags = persistent ? FLAG_PERSISTENT : 0;
  if (message.deadLettered) flags |= message.hasFailed ? FLAG_DEAD_LETTERED | FLAG_HAS_FAILED : FLAG_DEAD_LETTERED;
  target[offset + 4] = flags;
  target[offset + 5] = message.priority;
  target[offset + 6] = addressBytes >>> 8;
  target[offset + 7] = addressBytes;
  writeUInt48(target, offset + 8, message.publishedAt);
  writeUInt48(target, offset + 14, message.expiresAt);
}

function writeBcc({ bcc }: Message, target: Buffer, offset: number, end: number): void {
  target[offset + 4] = (target[offset + 4] as number) | FLAG_BCC;
  bcc.copy(target, end - BCC_LENGTH_BYTES - bcc.length);
  target.writeUInt32BE(bcc.length, end - BCC_LENGTH_BYTES);
}

/** Writes a tombstone at `offset` of `target`. */
export function writeTombstone(target: Buffer, offset: number): void {
  writeUInt32(target, offset, TOMBSTONE_BYTES);
  target[offset + 4] = FLAG_TOMBSTONE;
}

/** Points `message` at the record at `offset` of `buffer`, which must not be a tombstone. The view has no owner. */
export function readRecord(buffer: Buffer, offset: number, message: Message): void {
  const addressEnd =
    offset + RECORD_HEAD_BYTES + (((buffer[offset + 6] as number) << 8) | (buffer[offset + 7] as number));
  message.buffer = buffer;
  message.owner = undefined;
  message.addressStart = offset + RECORD_HEAD_BYTES;
  message.addressEnd = addressEnd;
  message.contentStart = addressEnd;
  message.contentEnd = offset + recordBytesAt(buffer, offset);
  message.bodyBytes = readUInt32(buffer, addressEnd + CONTENT_BODY_BYTES_OFFSET);
  const flags = buffer[offset + 4] as number;
  message.persistent = (flags & FLAG_PERSISTENT) !== 0;
  message.deadLettered = (flags & FLAG_DEAD_LETTERED) !== 0;
  message.hasFailed = (flags & FLAG_HAS_FAILED) !== 0;
  message.bcc = NO_BCC;
  if ((flags & FLAG_BCC) !== 0) readBcc(buffer, message);
  message.priority = buffer[offset + 5] as number;
  message.publishedAt = readUInt48(buffer, offset + 8);
  message.expiresAt = readUInt48(buffer, offset + 14);
}

/** Takes the BCC keys off the end of what looks like content. */
function readBcc(buffer: Buffer, message: Message): void {
  const end = message.contentEnd - BCC_LENGTH_BYTES;
  const start = end - buffer.readUInt32BE(end);
  // A copy: these octets are no part of the message that is sent on.
  message.bcc = Buffer.from(buffer.subarray(start, end));
  message.contentEnd = start;
}

/** Length of the record at `offset`. */
export function recordBytesAt(buffer: Buffer, offset: number): number {
  return readUInt32(buffer, offset);
}

/** Offset of the record that is `count` records behind the one at `offset`. */
export function skipRecords(buffer: Buffer, offset: number, count: number): number {
  let at = offset;
  for (let left = count; left > 0; left--) at += recordBytesAt(buffer, at);
  return at;
}

export function isTombstone(buffer: Buffer, offset: number): boolean {
  return ((buffer[offset + 4] as number) & FLAG_TOMBSTONE) !== 0;
}

export function isPersistentRecord(buffer: Buffer, offset: number): boolean {
  return ((buffer[offset + 4] as number) & FLAG_PERSISTENT) !== 0;
}

/** Octets of the body of the record at `offset`, which must not be a tombstone. */
export function recordBodyBytes(buffer: Buffer, offset: number): number {
  const addressBytes = ((buffer[offset + 6] as number) << 8) | (buffer[offset + 7] as number);
  return readUInt32(buffer, offset + RECORD_HEAD_BYTES + addressBytes + CONTENT_BODY_BYTES_OFFSET);
}

function writeUInt32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

function readUInt32(buffer: Buffer, offset: number): number {
  return (
    (buffer[offset] as number) * 0x1000000 +
    (((buffer[offset + 1] as number) << 16) | ((buffer[offset + 2] as number) << 8) | (buffer[offset + 3] as number))
  );
}

function writeUInt48(target: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / HIGH);
  target[offset] = high >>> 8;
  target[offset + 1] = high;
  writeUInt32(target, offset + 2, value >>> 0);
}

function readUInt48(buffer: Buffer, offset: number): number {
  return (((buffer[offset] as number) << 8) | (buffer[offset + 1] as number)) * HIGH + readUInt32(buffer, offset + 2);
}
