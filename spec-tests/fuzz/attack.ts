import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SeededRandom } from "./seeded-random.ts";

const END_MILLISECONDS_MAX = 10_000;
/** Pieces that are sent in one go, at most. */
const BATCH_PIECES_MAX = 3;

/**
 * Sends the pieces, giving the broker time to answer in between, ends the stream, waits for the broker to close it
 * and returns all that it has sent. Throws when the broker does not close.
 */
export async function attack(stream: Duplex, pieces: readonly Buffer[], random: SeededRandom): Promise<Buffer> {
  const answer: Buffer[] = [];
  // A copy: over an in-memory stream this is the broker's own buffer, which it uses again.
  stream.on("data", (bytes: Buffer) => answer.push(Buffer.from(bytes)));
  // A broker that drops the stream while more is written to it resets the connection; that is an answer.
  stream.on("error", () => undefined);
  const closed = once(stream, "close", { signal: AbortSignal.timeout(END_MILLISECONDS_MAX) });
  closed.catch(() => undefined);
  for (let sent = 0; sent < pieces.length && stream.writable; ) {
    const batch = pieces.slice(sent, sent + random.integer(1, BATCH_PIECES_MAX));
    sent += batch.length;
    stream.write(Buffer.concat(batch));
    await nextTurn();
    await nextTurn();
    await nextTurn();
  }
  stream.end();
  await closed;
  return Buffer.concat(answer);
}
