import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { assert } from "../lib/assert.ts";
import { FLUSHING_FLAGS, FlushedWriter } from "./flushed-writer.ts";
import { syncDirectory } from "./sync-directory.ts";

/** Octets of an epoch. */
export const EPOCH_BYTES = 8;
/** Epoch, u32 length of the payload, u32 CRC-32 of everything in the epoch up to here and of the payload. */
export const RECORD_HEAD_BYTES = EPOCH_BYTES + 8;
const LENGTH_OFFSET = EPOCH_BYTES;
const CRC_OFFSET = EPOCH_BYTES + 4;
/** The file is made longer by so many zeros at a time: to replace octets costs a flush less than to append them. */
const GROWTH_BYTES = 256 * 1024;

/**
 * A file of records, each flushed before it is reported written. It is written from its beginning in every epoch; what
 * is left of an earlier one behind the latest record is told by its epoch, a random number. A record cut off by a kill
 * or a power failure is told by its checksum, and ends the epoch: it was not reported. Checksums go on from one record
 * to the next, so that none is taken for the successor of another than it was written behind.
 */
export class Journal {
  readonly #fd: number;
  readonly #writer: FlushedWriter;
  readonly #capacityBytes: number;
  /** Undefined until it is known: then nothing can be written. */
  #epoch: Uint8Array | undefined;
  #offset = 0;
  /** Of the latest record; 0 before the first. */
  #checksum = 0;
  #sizeBytes: number;

  /**
   * @param capacityBytes how long the file may become
   * Throws the system's errors.
   */
  constructor(path: string, capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT | FLUSHING_FLAGS, 0o600);
    this.#writer = new FlushedWriter(this.#fd);
    this.#sizeBytes = fstatSync(this.#fd).size;
    if (this.#sizeBytes === 0) syncDirectory(dirname(path));
  }

  /** Whether the epoch has records. */
  get isEmpty(): boolean {
    return this.#offset === 0;
  }

  /** Whether a record of this length, its head included, can be appended. */
  hasRoomFor(recordBytes: number): boolean {
    return this.#epoch !== undefined && this.#offset + recordBytes <= this.#capacityBytes;
  }

  /** Hands over the payload of each record of an epoch, in order, and goes on behind the last. Throws the system's errors. */
  resume(epoch: Uint8Array, visit: (payload: Buffer) => void): void {
    this.restart(epoch);
    const octets = this.#readAll();
    for (let record = this.#recordAt(octets); record !== undefined; record = this.#recordAt(octets)) {
      visit(record.subarray(RECORD_HEAD_BYTES));
      this.#written(record);
    }
  }

  /** Begins an epoch: the next record is written at the beginning of the file. */
  restart(epoch: Uint8Array): void {
    assert(epoch.length === EPOCH_BYTES, "an epoch has eight octets");
    this.#epoch = epoch;
    this.#offset = 0;
    this.#checksum = 0;
  }

  /**
   * Writes a record whose payload is in `record` behind {@link RECORD_HEAD_BYTES} octets for its head, and calls back
   * when it is on disk, or with the system's error: then the next record takes its place. One call at a time.
   */
  append(record: Buffer, done: (error: Error | undefined) => void): void {
    assert(this.hasRoomFor(record.length), "the journal has room for the record");
    record.set(this.#epoch as Uint8Array);
    record.writeUInt32BE(record.length - RECORD_HEAD_BYTES, LENGTH_OFFSET);
    record.writeUInt32BE(this.#checksumOf(record), CRC_OFFSET);
    this.#grow(this.#offset + record.length, (growError) => {
      if (growError !== undefined) {
        done(growError);
        return;
      }
      this.#writer.write(record, this.#offset, (error) => {
        if (error === undefined) this.#written(record);
        done(error);
      });
    });
  }

  close(): void {
    closeSync(this.#fd);
  }

  #written(record: Buffer): void {
    this.#offset += record.length;
    this.#checksum = record.readUInt32BE(CRC_OFFSET);
  }

  #readAll(): Buffer {
    const octets = Buffer.alloc(Math.min(this.#sizeBytes, this.#capacityBytes));
    let length = 0;
    for (let count = -1; count !== 0; length += count) {
      count = readSync(this.#fd, octets, length, octets.length - length, length);
    }
    return octets.subarray(0, length);
  }

  /** The record that goes on from where the epoch has got to, if it is there and whole. */
  #recordAt(octets: Buffer): Buffer | undefined {
    const headEnd = this.#offset + RECORD_HEAD_BYTES;
    if (headEnd > octets.length) return undefined;
    const end = headEnd + octets.readUInt32BE(this.#offset + LENGTH_OFFSET);
    if (end > octets.length) return undefined;
    const record = octets.subarray(this.#offset, end);
    if (record.compare(this.#epoch as Uint8Array, 0, EPOCH_BYTES, 0, EPOCH_BYTES) !== 0) return undefined;
    return record.readUInt32BE(CRC_OFFSET) === this.#checksumOf(record) ? record : undefined;
  }

  /** Of all of a record but the checksum itself, behind those before it. */
  #checksumOf(record: Buffer): number {
    return crc32(record.subarray(RECORD_HEAD_BYTES), crc32(record.subarray(0, CRC_OFFSET), this.#checksum));
  }

  /** Makes the file at least so long, if it is not. */
  #grow(sizeBytes: number, done: (error: Error | undefined) => void): void {
    if (sizeBytes <= this.#sizeBytes) {
      done(undefined);
      return;
    }
    const grownBytes = Math.min(Math.ceil(sizeBytes / GROWTH_BYTES) * GROWTH_BYTES, this.#capacityBytes);
    this.#writer.write(Buffer.alloc(grownBytes - this.#sizeBytes), this.#sizeBytes, (error) => {
      if (error === undefined) this.#sizeBytes = grownBytes;
      done(error);
    });
  }
}
