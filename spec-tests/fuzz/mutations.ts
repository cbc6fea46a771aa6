import { FRAME_END, FRAME_HEAD_BYTES } from "../../src/wire/frame.ts";
import { type Mutation, PIECE_MUTATIONS } from "./piece-mutations.ts";
import { HANDSHAKE_PIECES, type RecordedSession } from "./recorded-sessions.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A session to throw at the broker. */
export interface FuzzCase {
  readonly pieces: Buffer[];
  /** What was done to it, for the report of a failure. */
  readonly description: string;
  /** The reply code with which the broker must close the connection, where that is certain. */
  readonly closeCode?: number;
}

const GARBAGE_PROBABILITY = 0.08;
const CERTAIN_PROBABILITY = 0.12;
const MUTATIONS_MAX = 3;
const GARBAGE_BYTES_MAX = 4_000;
const FRAME_ERROR = 501;
const FRAME_TYPES = [0, 1, 2, 3, 4, 8, 65, 255];
const CHANNELS = [0, 1, 2, 3, 2047, 2048, 65_535];
/** Lengths and sizes at the edges of what any field can say. */
const EXTREMES = [0, 1, 7, 255, 256, 32_767, 65_535, 131_064, 131_065, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** What a run makes of the recorded sessions: mostly mutated ones, some plain garbage. */
export function fuzzCase(sessions: readonly RecordedSession[], random: SeededRandom): FuzzCase {
  if (random.chance(GARBAGE_PROBABILITY)) return garbage(sessions, random);
  const pieces = random.pick(sessions).map((piece) => Buffer.from(piece));
  if (random.chance(CERTAIN_PROBABILITY)) return certainlyMalformed(pieces, random);
  const names: string[] = [];
  for (let count = random.integer(1, MUTATIONS_MAX); count > 0 && pieces.some(isWhole); count--) {
    const [name, mutate] = random.pick(Object.entries(MUTATIONS));
    mutate(pieces, random, sessions);
    names.push(name);
  }
  return { pieces, description: names.join(", ") };
}

/** Random octets, from the very first one or once the connection is open. */
function garbage(sessions: readonly RecordedSession[], random: SeededRandom): FuzzCase {
  const pieces = (sessions[0] as RecordedSession).slice(0, random.pick([0, 1, HANDSHAKE_PIECES]));
  return { pieces: [...pieces, randomBytes(random)], description: `garbage after ${pieces.length} pieces` };
}

/** Damage to one frame of an open connection that admits of one answer. */
function certainlyMalformed(pieces: Buffer[], random: SeededRandom): FuzzCase {
  const frame = pieces[random.integer(HANDSHAKE_PIECES, pieces.length - 2)] as Buffer;
  const damages: Record<string, () => void> = {
    "wrong frame-end": () => frame.writeUInt8(random.integer(0, FRAME_END - 1), frame.length - 1),
    "unknown frame type": () => frame.writeUInt8(random.integer(9, 255), 0),
    "frame too large": () => frame.writeUInt32BE(random.integer(2 ** 20, 2 ** 32 - 1), 3),
  };
  const [description, damage] = random.pick(Object.entries(damages));
  damage();
  return { pieces, description, closeCode: FRAME_ERROR };
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...PIECE_MUTATIONS,
  "bits flipped": (pieces, random) => {
    for (let count = random.integer(1, 8); count > 0; count--) {
      const piece = pick(pieces, random);
      const at = random.integer(0, piece.length - 1);
      piece[at] = (piece[at] as number) ^ (1 << random.integer(0, 7));
    }
  },
  "octet overwritten": (pieces, random) => {
    const piece = pick(pieces, random);
    piece[random.integer(0, piece.length - 1)] = random.pick([0x00, 0x7f, 0x80, 0xce, 0xff]);
  },
  "long in a payload overwritten": (pieces, random) => {
    const piece = pick(pieces, random);
    if (piece.length < FRAME_HEAD_BYTES + 5) return;
    piece.writeUInt32BE(random.pick(EXTREMES), random.integer(FRAME_HEAD_BYTES, piece.length - 5));
  },
  "frame size overwritten": (pieces, random) => {
    pick(pieces, random).writeUInt32BE(random.pick(EXTREMES), 3);
  },
  "frame type overwritten": (pieces, random) => {
    pick(pieces, random).writeUInt8(random.pick(FRAME_TYPES), 0);
  },
  "channel overwritten": (pieces, random) => {
    pick(pieces, random).writeUInt16BE(random.pick(CHANNELS), 1);
  },
  "method overwritten": (pieces, random) => {
    const piece = pick(pieces, random);
    if (piece.length < FRAME_HEAD_BYTES + 5) return;
    piece.writeUInt16BE(random.pick([10, 20, 30, 40, 50, 60, 85, 90, 0, 99]), FRAME_HEAD_BYTES);
    piece.writeUInt16BE(random.pick([10, 11, 20, 21, 30, 31, 40, 50, 51, 60, 70, 80, 90, 100, 110, 120, 0, 99]), 9);
  },
  "frame doubled": (pieces, random) => {
    const at = random.integer(0, pieces.length - 1);
    pieces.splice(at, 0, Buffer.from(pieces[at] as Buffer));
  },
  "frames shuffled": (pieces, random) => {
    const start = random.integer(0, pieces.length - 1);
    const window = pieces.splice(start, random.integer(2, 8));
    while (window.length > 0) pieces.splice(start, 0, ...window.splice(random.integer(0, window.length - 1), 1));
  },
  "garbage between frames": (pieces, random) => {
    pieces.splice(random.integer(0, pieces.length), 0, randomBytes(random));
  },
};

function pick(pieces: readonly Buffer[], random: SeededRandom): Buffer {
  return random.pick(pieces.filter(isWhole));
}

/** Long enough for a frame or the protocol header. */
function isWhole(piece: Buffer): boolean {
  return piece.length > FRAME_HEAD_BYTES;
}

function randomBytes(random: SeededRandom): Buffer {
  return Buffer.from(Array.from({ length: random.integer(1, GARBAGE_BYTES_MAX) }, () => random.integer(0, 255)));
}
