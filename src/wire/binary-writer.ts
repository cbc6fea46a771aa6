import { octetsFromString } from "./octet-string.ts";

const INITIAL_BYTES = 256;
const SHORTSTR_BYTES_MAX = 255;

/**
 * Builds a sequence of octets, for code that runs per method or per table rather than per message. All numbers are
 * big-endian. Every method throws RangeError for a value that its wire type cannot hold.
 */
export class BinaryWriter {
  #buffer: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  octet(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
  }

  signedOctet(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeInt8(value, at);
  }

  short(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
  }

  signedShort(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeInt16BE(value, at);
  }

  long(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  signedLong(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }

  longlong(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64BE(value, at);
  }

  signedLonglong(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  float(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeFloatBE(value, at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  /** A length octet and the octets of the string; at most 255 of them. */
  shortstr(value: string): void {
    const octets = octetsFromString(value);
    if (octets.length > SHORTSTR_BYTES_MAX) {
      throw new RangeError(`a shortstr holds at most ${SHORTSTR_BYTES_MAX} octets, not ${octets.length}`);
    }
    this.octet(octets.length);
    this.octets(octets);
  }

  /** A long length and the octets. */
  longstr(octets: Uint8Array): void {
    this.long(octets.length);
    this.octets(octets);
  }

  octets(octets: Uint8Array): void {
    const at = this.#reserve(octets.length);
    this.#buffer.set(octets, at);
  }

  /** Leaves room for a long length; returns what {@link endSection} needs to fill it in. */
  beginSection(): number {
    return this.#reserve(4);
  }

  /** Fills in the length of everything written since {@link beginSection} returned `section`. */
  endSection(section: number): void {
    this.#buffer.writeUInt32BE(this.#length - section - 4, section);
  }

  /** Everything written. The writer must not be used any more. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length = at + bytes;
    if (this.#length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    return at;
  }
}
