// Hot file: these run for every message that has headers, and allocate nothing.

/** Octets of the values of fixed size, by type code; see field-table-codec.ts. */
const FIXED_BYTES = new Int8Array(256).fill(-1);
for (const [codes, bytes] of [
  ["V", 0],
  ["bBt", 1],
  ["su", 2],
  ["Iif", 4],
  ["D", 5],
  ["lLdT", 8],
] as const) {
  for (const code of codes) FIXED_BYTES[code.charCodeAt(0)] = bytes;
}

/** The type codes of values that are octets behind a long length: longstr and binary. */
const LONGSTR = 0x53;
const BINARY = 0x78;

/** The type codes of values that are fields behind a long length: table and array. */
const TABLE = 0x46;
const ARRAY = 0x41;

/** True for the type code of a value that is a long length and as many octets of the sender's: longstr, binary. */
export function isOctets(typeCode: number): boolean {
  return typeCode === LONGSTR || typeCode === BINARY;
}

/**
 * The offset of the type code of the field `name` in the table whose long length is at `start`; -1 when there is none,
 * or the table turns out malformed before it. Of entries with the same name the first counts. The value lies before
 * `end`. Nothing else is decoded.
 */
export function findField(buffer: Buffer, start: number, end: number, name: Uint8Array): number {
  if (start + 4 > end) return -1;
  const tableEnd = start + 4 + buffer.readUInt32BE(start);
  return tableEnd > end ? -1 : findEntry(buffer, start + 4, tableEnd, name);
}

/** The same among the entries from `start` to `tableEnd`, which is the end of the table. */
export function findEntry(buffer: Buffer, start: number, tableEnd: number, name: Uint8Array): number {
  for (let offset = start; offset < tableEnd; ) {
    const nameStart = offset + 1;
    const typeAt = nameStart + (buffer[offset] as number);
    const next = typeAt < tableEnd ? fieldEnd(buffer, typeAt, tableEnd) : -1;
    if (next < 0) return -1;
    if (typeAt - nameStart === name.length && isNameAt(buffer, nameStart, name)) return typeAt;
    offset = next;
  }
  return -1;
}

/** The offset behind the value whose type code is at `typeAt`; -1 when it is malformed or overruns `end`. */
export function fieldEnd(buffer: Buffer, typeAt: number, end: number): number {
  const code = buffer[typeAt] as number;
  const fixedBytes = FIXED_BYTES[code] as number;
  let next = typeAt + 1 + fixedBytes;
  if (fixedBytes < 0) {
    if (!isOctets(code) && code !== TABLE && code !== ARRAY) return -1;
    if (typeAt + 5 > end) return -1;
    next = typeAt + 5 + buffer.readUInt32BE(typeAt + 1);
  }
  return next <= end ? next : -1;
}

/**
 * The same, with what a table or array holds looked at too: -1 as well when something in it is malformed, or when it is
 * nested deeper than `depthLeft`. What passes here can be decoded.
 */
export function soundFieldEnd(buffer: Buffer, typeAt: number, end: number, depthLeft: number): number {
  const next = fieldEnd(buffer, typeAt, end);
  const code = buffer[typeAt] as number;
  if (next < 0 || (code !== TABLE && code !== ARRAY)) return next;
  if (depthLeft <= 0) return -1;
  for (let offset = typeAt + 5; offset < next; ) {
    const innerTypeAt = code === TABLE ? offset + 1 + (buffer[offset] as number) : offset;
    offset = innerTypeAt < next ? soundFieldEnd(buffer, innerTypeAt, next, depthLeft - 1) : -1;
    if (offset < 0) return -1;
  }
  return next;
}

function isNameAt(buffer: Buffer, start: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) if (buffer[start + index] !== name[index]) return false;
  return true;
}
