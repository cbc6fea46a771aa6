import { readValue } from "./types.ts";
import { checkValue } from "./value-check.ts";

const MAP8 = 0xc1;
const MAP32 = 0xd1;

/** One entry of an encoded map: key and value are the octets from `start` to `end`. */
export interface RawEntry {
  readonly key: string;
  readonly start: number;
  /** Where the constructor of the value is. */
  readonly valueStart: number;
  readonly end: number;
}

/** The entries of the map whose constructor is at `start`, which has been checked. */
export function rawEntries(buffer: Buffer, start: number): RawEntry[] {
  const isSmall = buffer[start] === MAP8;
  const width = isSmall ? 1 : 4;
  const size = isSmall ? (buffer[start + 1] as number) : buffer.readUInt32BE(start + 1);
  const end = start + 1 + width + size;
  const entries: RawEntry[] = [];
  for (let at = start + 1 + 2 * width; at < end; ) {
    const valueStart = checkValue(buffer, at, end);
    const next = checkValue(buffer, valueStart, end);
    entries.push({ key: String(readValue(buffer, at).value), start: at, valueStart, end: next });
    at = next;
  }
  return entries;
}

/** A map, constructor included, of `count` keys and values that are encoded. */
export function encodeRawMap(count: number, items: readonly Buffer[]): Buffer {
  const bytes = items.reduce((sum, { length }) => sum + length, 0);
  const head = Buffer.allocUnsafe(9);
  head[0] = MAP32;
  head.writeUInt32BE(4 + bytes, 1);
  head.writeUInt32BE(count, 5);
  return Buffer.concat([head, ...items]);
}
