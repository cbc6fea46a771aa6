// Hot file: runs for every message that is appended to a stream. Copies ranges; decodes only headers it has to replace.

import { copyBytes } from "../lib/bytes.ts";
import { contentPropertiesEnd, contentPropertiesStart } from "./content.ts";
import { WireError } from "./errors.ts";
import { decodeTableBody, encodeTableBody } from "./field-table.ts";
import { fieldEnd, findEntry, findField } from "./find-field.ts";
import { findProperty, PROPERTY_FLAGS } from "./properties.ts";

const FLAGS_BYTES = 2;
/** Octets of the length of a table, and of the type code and the value of a long. */
const TABLE_LENGTH_BYTES = 4;
const LONG_BYTES = 1 + 8;
const LONG_CODE = "l".charCodeAt(0);

/** Where the payload size stands in a frame. */
const FRAME_SIZE_OFFSET = 3;
const HIGH = 2 ** 32;
const NO_OCTETS = Buffer.alloc(0);

/**
 * Puts one header of type long (64 bits) into content in canonical form, in place of one of that name. The other octets
 * stay as they are. An instance is for one name and is used again for every message: {@link measure}, or {@link find} and
 * {@link measureFound}, then {@link write}.
 */
export class HeaderSplice {
  readonly #name: Buffer;
  /** The name as a shortstr, then the type code. */
  readonly #entryHead: Buffer;
  readonly #entryBytes: number;
  // What find has found:
  #hasTable = false;
  #typeAt = -1;
  /** Where the headers are, or would be. */
  #tableAt = 0;
  // And measure:
  /** The octets that {@link #replacement} takes the place of: the entry of the same name, or all from there on. */
  #replacedStart = 0;
  #replacedEnd = 0;
  #replacement: Buffer = NO_OCTETS;

  constructor(headerName: string) {
    this.#name = Buffer.from(headerName);
    this.#entryHead = Buffer.concat([Buffer.of(this.#name.length), this.#name, Buffer.of(LONG_CODE)]);
    this.#entryBytes = 1 + this.#name.length + LONG_BYTES;
  }

  /** The offset of the type code of the header in the content that starts at `contentStart`; -1 when it has none. */
  find(buffer: Buffer, contentStart: number): number {
    const start = contentPropertiesStart(contentStart);
    const end = contentPropertiesEnd(buffer, contentStart);
    const tableAt = findProperty(buffer, start, end, PROPERTY_FLAGS.headers);
    this.#hasTable = tableAt >= 0;
    this.#tableAt = this.#hasTable ? tableAt : endOfEarlierProperties(buffer, start);
    this.#typeAt = this.#hasTable ? findField(buffer, tableAt, end, this.#name) : -1;
    return this.#typeAt;
  }

  /** By how many octets the content that starts at `contentStart` grows; negative when a longer value is replaced. */
  measure(buffer: Buffer, contentStart: number): number {
    this.find(buffer, contentStart);
    return this.measureFound(buffer);
  }

  /** The same of the content in which the header has just been looked for. */
  measureFound(buffer: Buffer): number {
    const entries = this.#tableAt + (this.#hasTable ? TABLE_LENGTH_BYTES : 0);
    this.#replacedStart = entries;
    this.#replacedEnd = entries;
    this.#replacement = NO_OCTETS;
    if (!this.#hasTable) return TABLE_LENGTH_BYTES + this.#entryBytes;
    if (this.#typeAt >= 0) this.#replace(buffer, this.#typeAt, entries + readLong(buffer, this.#tableAt));
    return this.#entryBytes + this.#replacement.length - (this.#replacedEnd - this.#replacedStart);
  }

  /**
   * Writes the content that has just been measured, body frames included, to `offset` of `target`, which has room.
   *
   * @param value a safe integer
   */
  write(buffer: Buffer, contentStart: number, contentEnd: number, value: number, target: Buffer, offset: number): void {
    const table = offset + this.#tableAt - contentStart;
    const grown = this.#entryBytes + this.#replacement.length - (this.#replacedEnd - this.#replacedStart);
    copyBytes(buffer, contentStart, this.#tableAt, target, offset);
    const frameSizeAt = offset + FRAME_SIZE_OFFSET;
    writeLong(target, frameSizeAt, readLong(target, frameSizeAt) + grown + (this.#hasTable ? 0 : TABLE_LENGTH_BYTES));
    if (!this.#hasTable) setHeadersFlag(target, contentPropertiesStart(offset));
    writeLong(target, table, (this.#hasTable ? readLong(buffer, this.#tableAt) : 0) + grown);
    let at = this.#writeEntry(value, target, table + TABLE_LENGTH_BYTES);
    const keptStart = this.#tableAt + (this.#hasTable ? TABLE_LENGTH_BYTES : 0);
    copyBytes(buffer, keptStart, this.#replacedStart, target, at);
    at += this.#replacedStart - keptStart;
    copyBytes(this.#replacement, 0, this.#replacement.length, target, at);
    copyBytes(buffer, this.#replacedEnd, contentEnd, target, at + this.#replacement.length);
  }

  /** In front of the others: what follows may be malformed, and of equal names the first counts. */
  #writeEntry(value: number, target: Buffer, offset: number): number {
    const head = this.#entryHead;
    copyBytes(head, 0, head.length, target, offset);
    writeLong(target, offset + head.length, Math.floor(value / HIGH));
    writeLong(target, offset + head.length + 4, value % HIGH);
    return offset + this.#entryBytes;
  }

  /** Drops the entry whose type code is at `typeAt`, and further ones of the name. */
  #replace(buffer: Buffer, typeAt: number, entriesEnd: number): void {
    const entryStart = typeAt - this.#name.length - 1;
    const entryEnd = fieldEnd(buffer, typeAt, entriesEnd);
    if (findEntry(buffer, entryEnd, entriesEnd, this.#name) >= 0) this.#replaceAll(buffer, entryStart, entriesEnd);
    else {
      this.#replacedStart = entryStart;
      this.#replacedEnd = entryEnd;
    }
  }

  /** If the entries from `entryStart` on are malformed they stay, behind the new one. */
  #replaceAll(buffer: Buffer, entryStart: number, entriesEnd: number): void {
    try {
      const entries = new Map(decodeTableBody(buffer, entryStart, entriesEnd));
      entries.delete(this.#name.toString());
      this.#replacement = encodeTableBody(entries);
      this.#replacedStart = entryStart;
      this.#replacedEnd = entriesEnd;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
}

/** Where the headers would be: behind content-type and content-encoding. `start` is where the property flags are. */
function endOfEarlierProperties(buffer: Buffer, start: number): number {
  const flags = ((buffer[start] as number) << 8) | (buffer[start + 1] as number);
  let offset = start + FLAGS_BYTES;
  if ((flags & PROPERTY_FLAGS.contentType) !== 0) offset += 1 + (buffer[offset] as number);
  if ((flags & PROPERTY_FLAGS.contentEncoding) !== 0) offset += 1 + (buffer[offset] as number);
  return offset;
}

function setHeadersFlag(target: Buffer, flagsAt: number): void {
  target[flagsAt] = (target[flagsAt] as number) | (PROPERTY_FLAGS.headers >>> 8);
}

/** Octet by octet, as below: Buffer's own methods check their arguments, which takes as long as all else here. */
function readLong(buffer: Buffer, at: number): number {
  return (
    (((buffer[at] as number) << 24) |
      ((buffer[at + 1] as number) << 16) |
      ((buffer[at + 2] as number) << 8) |
      (buffer[at + 3] as number)) >>>
    0
  );
}

function writeLong(target: Buffer, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}
