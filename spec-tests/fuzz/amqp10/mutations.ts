import { readValue } from "../../../src/amqp10/codec/types.ts";
import { checkValue } from "../../../src/amqp10/codec/value-check.ts";
import { type Mutation, PIECE_MUTATIONS } from "../piece-mutations.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { RecordedSession } from "./recorded-sessions.ts";

/** A session to throw at the broker. */
export interface FuzzCase {
  readonly pieces: Buffer[];
  /** What was done to it, for the report of a failure. */
  readonly description: string;
}

const MUTATIONS_MAX = 3;
const GARBAGE_BYTES_MAX = 2_000;
const HEAD_BYTES = 8;
/** A performative's descriptor, the code of a list32, its size and count. */
const LIST_BYTES = 3 + 9;
const LIST32 = 0xd0;
const FIXED = [
  0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x60, 0x61, 0x70, 0x71, 0x72, 0x73,
  0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98,
];
const VARIABLE = [0xa0, 0xa1, 0xa3, 0xb0, 0xb1, 0xb3];
const COMPOUND = [0xc0, 0xc1, 0xd0, 0xd1];
const ARRAYS = [0xe0, 0xf0];
const PERFORMATIVES = [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x41];
const DESCRIPTORS = [0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x30, 0x31, 0x32, 0x34, 0x70, 0x73, 0x75, 0x77, 0x99];
const CHANNELS = [0, 1, 2, 255, 2047, 65_535];
const EXTREMES = [0, 1, 7, 8, 255, 256, 65_535, 131_073, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** What a run makes of the recorded sessions. */
export function fuzzCase(sessions: readonly RecordedSession[], random: SeededRandom): FuzzCase {
  const pieces = random.pick(sessions).map((piece) => Buffer.from(piece));
  const names: string[] = [];
  for (let count = random.integer(1, MUTATIONS_MAX); count > 0 && pieces.length > 0; count--) {
    const [name, mutate] = random.pick(Object.entries(MUTATIONS));
    mutate(pieces, random, sessions);
    names.push(name);
  }
  return { pieces, description: names.join(", ") };
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...PIECE_MUTATIONS,
  "field replaced": (pieces, random) => replaceField(pieces, random),
  "other field replaced": (pieces, random) => replaceField(pieces, random),
  "value replaced": (pieces, random) => replaceValue(pieces, random),
  "other value replaced": (pieces, random) => replaceValue(pieces, random),
  "bits flipped": (pieces, random) => {
    for (let count = random.integer(1, 8); count > 0; count--) {
      const piece = random.pick(pieces);
      if (piece.length === 0) continue;
      const at = random.integer(0, piece.length - 1);
      piece[at] = (piece[at] as number) ^ (1 << random.integer(0, 7));
    }
  },
  "type code overwritten": (pieces, random) => {
    const piece = random.pick(pieces);
    if (piece.length <= HEAD_BYTES) return;
    piece[random.integer(HEAD_BYTES, piece.length - 1)] = random.pick([
      ...FIXED,
      ...VARIABLE,
      ...COMPOUND,
      ...ARRAYS,
      0,
    ]);
  },
  "long overwritten": (pieces, random) => {
    const piece = random.pick(pieces);
    if (piece.length < 4) return;
    piece.writeUInt32BE(random.pick(EXTREMES), random.integer(0, piece.length - 4));
  },
  "performative overwritten": (pieces, random) => {
    const piece = random.pick(pieces);
    if (piece.length > HEAD_BYTES + 2) piece[HEAD_BYTES + 2] = random.pick(PERFORMATIVES);
  },
  "channel overwritten": (pieces, random) => {
    const piece = random.pick(pieces);
    if (piece.length >= HEAD_BYTES) piece.writeUInt16BE(random.pick(CHANNELS), 6);
  },
  "frame flooded": (pieces, random) => {
    const at = random.integer(0, pieces.length - 1);
    const piece = pieces[at] as Buffer;
    pieces.splice(at, 0, Buffer.concat(Array.from({ length: random.pick([50, 200, 500]) }, () => piece)));
  },
  "garbage between frames": (pieces, random) => {
    pieces.splice(random.integer(0, pieces.length), 0, randomBytes(random, random.integer(1, GARBAGE_BYTES_MAX)));
  },
};

/** Puts any well-formed value in the place of a field of a performative. */
function replaceField(pieces: Buffer[], random: SeededRandom): void {
  const at = random.integer(0, pieces.length - 1);
  const piece = pieces[at] as Buffer;
  const fields = fieldsOf(piece, HEAD_BYTES + 3);
  if (fields.length > 0) pieces[at] = replaced(piece, random.pick(fields), random);
}

/** The same anywhere within: in a terminus, a state, a section of a message. */
function replaceValue(pieces: Buffer[], random: SeededRandom): void {
  const at = random.integer(0, pieces.length - 1);
  const piece = pieces[at] as Buffer;
  const starts = [];
  for (let start = HEAD_BYTES; start < piece.length; start++) if (piece[start] === LIST32) starts.push(start);
  if (starts.length === 0) return;
  const fields = fieldsOf(piece, random.pick(starts));
  if (fields.length > 0) pieces[at] = replaced(piece, random.pick(fields), random);
}

interface Field {
  readonly start: number;
  readonly end: number;
}

/** The elements of the list32 whose constructor is at `start`. */
function fieldsOf(piece: Buffer, start: number): Field[] {
  if (piece.length < HEAD_BYTES + LIST_BYTES || piece[start] !== LIST32) return [];
  const fields: Field[] = [];
  try {
    const end = checkValue(piece, start, piece.length);
    for (let at = start + 9; at < end; ) {
      const next = checkValue(piece, at, end);
      fields.push({ start: at, end: next });
      at = next;
    }
  } catch {
    // An earlier mutation has damaged it.
    return [];
  }
  return fields;
}

/** The piece with another value in the place of a field, the sizes of all around it made right. */
function replaced(piece: Buffer, { start, end }: Field, random: SeededRandom): Buffer {
  const value = randomValue(random, 3);
  const result = Buffer.concat([piece.subarray(0, start), value, piece.subarray(end)]);
  const growth = value.length - (end - start);
  result.writeUInt32BE(result.length, 0);
  for (let at = HEAD_BYTES; at < start; at++) {
    if (piece[at] !== LIST32 && piece[at] !== 0xd1) continue;
    if (at + 5 > piece.length || at + 5 + piece.readUInt32BE(at + 1) < end) continue;
    const size = piece.readUInt32BE(at + 1) + growth;
    if (size >= 4 && size < result.length) result.writeUInt32BE(size, at + 1);
  }
  return result;
}

/** A well-formed value of any type. */
export function randomValue(random: SeededRandom, depth: number): Buffer {
  for (;;) {
    const prefix = random.chance(0.2) && depth > 0 ? descriptor(random, depth) : Buffer.alloc(0);
    const code = randomCode(random, depth);
    const content = randomContent(random, code, depth);
    if (content === undefined) continue;
    const octets = Buffer.concat([prefix, Buffer.of(code), content]);
    try {
      checkValue(octets, 0, octets.length);
      readValue(octets, 0);
      return octets;
    } catch {
      // Nested too deep, say.
    }
  }
}

function descriptor(random: SeededRandom, depth: number): Buffer {
  if (random.chance(0.2)) return Buffer.concat([Buffer.of(0), randomValue(random, depth - 1)]);
  return Buffer.of(0, 0x53, random.pick(DESCRIPTORS));
}

function randomCode(random: SeededRandom, depth: number): number {
  const groups = depth > 0 ? [FIXED, VARIABLE, COMPOUND, ARRAYS] : [FIXED, VARIABLE];
  return random.pick(random.pick(groups));
}

/** Undefined when it does not fit. */
function randomContent(random: SeededRandom, code: number, depth: number): Buffer | undefined {
  const isWide = (code >>> 4) % 2 === 1;
  if (FIXED.includes(code)) return code < 0x50 ? Buffer.alloc(0) : extremeBytes(random, 2 ** ((code >>> 4) - 5));
  if (VARIABLE.includes(code)) {
    const octets = randomBytes(random, random.pick([0, 1, 5, 40, 255, ...(isWide ? [256, 300, 5000] : [])]));
    return Buffer.concat([length(octets.length, isWide), octets]);
  }
  const parts: (Buffer | undefined)[] = [];
  let count = random.integer(0, 4);
  if (ARRAYS.includes(code)) {
    const element = randomCode(random, depth - 1);
    parts.push(Buffer.of(element), ...Array.from({ length: count }, () => randomContent(random, element, depth - 1)));
  } else {
    count -= (code & 1) === 1 ? count % 2 : 0;
    for (let index = 0; index < count; index++) parts.push(randomValue(random, depth - 1));
  }
  if (parts.includes(undefined)) return undefined;
  const items = Buffer.concat(parts as Buffer[]);
  if (!isWide && items.length > 254) return undefined;
  return Buffer.concat([length(items.length + (isWide ? 4 : 1), isWide), length(count, isWide), items]);
}

function length(bytes: number, isWide: boolean): Buffer {
  const octets = Buffer.alloc(isWide ? 4 : 1);
  octets.writeUIntBE(bytes, 0, octets.length);
  return octets;
}

function extremeBytes(random: SeededRandom, bytes: number): Buffer {
  return random.chance(0.5) ? Buffer.alloc(bytes, random.pick([0, 0x7f, 0xff])) : randomBytes(random, bytes);
}

function randomBytes(random: SeededRandom, bytes: number): Buffer {
  const isText = random.chance(0.5);
  return Buffer.from(Array.from({ length: bytes }, () => (isText ? random.integer(97, 122) : random.integer(0, 255))));
}
