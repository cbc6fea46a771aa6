import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { SeededRandom } from "./seeded-random.ts";

const ANSWER_MILLISECONDS_MAX = 10_000;
/** Pieces that are sent in one go, at most. */
const BATCH_PIECES_MAX = 3;

export interface Attack {
  readonly stream: Duplex;
  readonly pieces: readonly Buffer[];
  readonly random: SeededRandom;
  /** Gives the broker time to answer. */
  readonly pause: () => Promise<void>;
  /** The stream is not ended before this is true of what the broker has sent. */
  readonly isAnswered?: ((answer: Buffer) => boolean) | undefined;
}

/**
 * Sends the pieces with pauses in between, ends the stream, waits for the broker to close it and returns all that it
 * has sent. Throws when the broker does not answer or close.
 */
export async function attack({ stream, pieces, random, pause, isAnswered }: Attack): Promise<Buffer> {
  const answer: Buffer[] = [];
  stream.on("data", (bytes: Buffer) => answer.push(bytes));
  // A broker that drops the stream while more is written to it resets the connection; that is an answer.
  stream.on("error", () => undefined);
  const signal = AbortSignal.timeout(ANSWER_MILLISECONDS_MAX);
  const closed = once(stream, "close", { signal });
  closed.catch(() => undefined);
  for (let sent = 0; sent < pieces.length && stream.writable; ) {
    const batch = pieces.slice(sent, sent + random.integer(1, BATCH_PIECES_MAX));
    sent += batch.length;
    stream.write(Buffer.concat(batch));
    await pause();
  }
  while (stream.writable && isAnswered?.(Buffer.concat(answer)) === false) await once(stream, "data", { signal });
  stream.end();
  await closed;
  return Buffer.concat(answer);
}
