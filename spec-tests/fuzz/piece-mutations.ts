import type { SeededRandom } from "./seeded-random.ts";

/** What is done to the pieces of a session; `others` are the sessions as they were recorded. */
export type Mutation = (pieces: Buffer[], random: SeededRandom, others: readonly (readonly Buffer[])[]) => void;

/** What can be done to the frames of any protocol without looking inside. */
export const PIECE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "frame cut short": (pieces, random) => {
    const at = random.integer(0, pieces.length - 1);
    const piece = pieces[at] as Buffer;
    pieces[at] = piece.subarray(0, random.integer(0, piece.length));
  },
  "session cut short": (pieces, random) => {
    pieces.length = random.integer(1, pieces.length);
  },
  "frame left out": (pieces, random) => {
    pieces.splice(random.integer(0, pieces.length - 1), 1);
  },
  "frames repeated": (pieces, random) => {
    const start = random.integer(0, pieces.length - 1);
    const repeated = pieces.slice(start, start + random.integer(1, 10)).map((piece) => Buffer.from(piece));
    pieces.splice(random.integer(start, pieces.length), 0, ...repeated);
  },
  "frames swapped": (pieces, random) => {
    const [one, other] = [random.integer(0, pieces.length - 1), random.integer(0, pieces.length - 1)];
    [pieces[one], pieces[other]] = [pieces[other] as Buffer, pieces[one] as Buffer];
  },
  "frames of another session": (pieces, random, others) => {
    const other = random.pick(others);
    const start = random.integer(0, other.length - 1);
    const inserted = other.slice(start, start + random.integer(1, 6)).map((piece) => Buffer.from(piece));
    pieces.splice(random.integer(0, pieces.length), 0, ...inserted);
  },
};
