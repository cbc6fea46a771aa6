import { TruncatedError } from "./errors.ts";
import { stringFromOctets } from "./octet-string.ts";

/**
 * A cursor over received octets, for code that runs per method or per table rather than per message. All numbers are
 * big-endian. Whatever is returned is the caller's own: nothing keeps the received buffer alive.
 *
 * Every method throws {@link TruncatedError} when the range ends before the value does.
 */
export class BinaryReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  readonly #what: string;
  #offset: number;

  /** @param what names the value being read in the error text. */
  constructor(buffer: Buffer, start: number, end: number, what: string) {
    this.#buffer = buffer;
    this.#offset = start;
    this.#end = Math.min(end, buffer.length);
    this.#what = what;
  }

  /** Offset, within the buffer, of the next octet to be read. */
  get offset(): number {
    return this.#offset;
  }

  /** Octets left to be read. */
  get remaining(): number {
    return this.#end - this.#offset;
  }

  get atEnd(): boolean {
    return this.#offset === this.#end;
  }

  octet(): number {
    return this.#buffer.readUInt8(this.skip(1));
  }

  signedOctet(): number {
    return this.#buffer.readInt8(this.skip(1));
  }

  short(): number {
    return this.#buffer.readUInt16BE(this.skip(2));
  }

  signedShort(): number {
    return this.#buffer.readInt16BE(this.skip(2));
  }

  long(): number {
    return this.#buffer.readUInt32BE(this.skip(4));
  }

  signedLong(): number {
    return this.#buffer.readInt32BE(this.skip(4));
  }

  longlong(): bigint {
    return this.#buffer.readBigUInt64BE(this.skip(8));
  }

  signedLonglong(): bigint {
    return this.#buffer.readBigInt64BE(this.skip(8));
  }

  float(): number {
    return this.#buffer.readFloatBE(this.skip(4));
  }

  double(): number {
    return this.#buffer.readDoubleBE(this.skip(8));
  }

  /** A length octet and that many octets, as the string {@link stringFromOctets} makes of them. */
  shortstr(): string {
    return this.string(this.octet());
  }

  /** A long length and that many octets. */
  longstr(): Buffer {
    return this.octets(this.long());
  }

  /** The next `length` octets as the string {@link stringFromOctets} makes of them. */
  string(length: number): string {
    const start = this.skip(length);
    return stringFromOctets(this.#buffer, start, start + length);
  }

  /** A copy of the next `length` octets. */
  octets(length: number): Buffer {
    const start = this.skip(length);
    return Buffer.from(this.#buffer.subarray(start, start + length));
  }

  /** A reader confined to what a long length announces; this one goes on behind it. */
  section(): BinaryReader {
    const length = this.long();
    const start = this.skip(length);
    return new BinaryReader(this.#buffer, start, start + length, this.#what);
  }

  /** Passes over `length` octets and returns the offset of the first. */
  skip(length: number): number {
    const start = this.#offset;
    if (length > this.#end - start) throw new TruncatedError(this.#what);
    this.#offset = start + length;
    return start;
  }
}
