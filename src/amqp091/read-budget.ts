// Hot file: take runs for every read of a socket.

import type { Duplex } from "node:stream";
import type { Flushable, Turn } from "../core/turn.ts";

/**
 * What one connection may hand in per turn. A busy socket would be read up to 32 times, 64 KiB each, before the event loop
 * looks at the next one: some 90,000 frames of small messages. It is frames that take time; octets only wear out caches.
 */
const FRAMES_PER_TURN = 4000;
const BYTES_PER_TURN = 512 * 1024;

/** Keeps one busy client from having all of a turn: what it sends beyond its share is read in the next. */
export class ReadBudget implements Flushable {
  readonly #stream: Duplex;
  readonly #turn: Turn;
  readonly #onRenewed: () => void;
  #turnCount = 0;
  #leftFrames = FRAMES_PER_TURN;
  #leftBytes = BYTES_PER_TURN;
  /** True from when the share of this turn is used up until the turn ends; the stream is paused meanwhile. */
  spent = false;

  /** @param onRenewed called at the end of a turn in which the share was used up */
  constructor(stream: Duplex, turn: Turn, onRenewed: () => void) {
    this.#stream = stream;
    this.#turn = turn;
    this.#onRenewed = onRenewed;
  }

  /** So much has been read. */
  take(frames: number, bytes: number): void {
    if (this.#turnCount !== this.#turn.count) {
      this.#turnCount = this.#turn.count;
      this.#leftFrames = FRAMES_PER_TURN;
      this.#leftBytes = BYTES_PER_TURN;
    }
    this.#leftFrames -= frames;
    this.#leftBytes -= bytes;
    if ((this.#leftFrames > 0 && this.#leftBytes > 0) || this.spent) return;
    this.spent = true;
    this.#stream.pause();
    this.#turn.requestReading(this);
  }

  flush(): void {
    this.spent = false;
    this.#onRenewed();
  }
}
