import type { ExchangeStorage } from "../store-owner.ts";

/** What two parts of one exchange keep under its one id. `upper` numbers its messages from a higher number on. */
export function sharedStorage(lower: ExchangeStorage, upper: ExchangeStorage): ExchangeStorage {
  return {
    id: lower.id,
    firstSequence: lower.firstSequence,
    recoverNote: (key, value) => {
      lower.recoverNote(key, value);
      upper.recoverNote(key, value);
    },
    recoverChunk: (chunk, settlement) => {
      const part = chunk.first >= upper.firstSequence ? upper : lower;
      part.recoverChunk(chunk, settlement);
    },
    stop: () => {
      lower.stop();
      upper.stop();
    },
    drop: () => {
      lower.drop();
      upper.drop();
    },
  };
}
