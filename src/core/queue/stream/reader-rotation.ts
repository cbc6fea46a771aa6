import type { Consumer } from "../consumer.ts";
import { DELIVERY_UNITS, type StreamReader } from "./stream-reader.ts";

/** What all readers may use up in one turn, and one of them before the next has its go. */
const TURN_UNITS = 1024 * DELIVERY_UNITS;
const READER_UNITS = 128 * DELIVERY_UNITS;

/** The readers of a stream, which have their go one after the other: none holds up another. */
export class ReaderRotation {
  readonly #readers: StreamReader[] = [];
  /** Which one has the next go. */
  #next = 0;

  get size(): number {
    return this.#readers.length;
  }

  add(reader: StreamReader): void {
    this.#readers.push(reader);
  }

  /** Removes a reader; false when it was not here. */
  remove(reader: StreamReader): boolean {
    const index = this.#readers.indexOf(reader);
    if (index < 0) return false;
    this.#readers.splice(index, 1);
    if (index < this.#next) this.#next--;
    return true;
  }

  /** Removes and returns all. */
  removeAll(): StreamReader[] {
    return this.#readers.splice(0);
  }

  find(consumer: Consumer): StreamReader | undefined {
    return this.#readers.find((reader) => reader.consumer === consumer);
  }

  /** The lowest offset that one of those stands at that may read; infinite when there is none. */
  get lowestOffset(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const reader of this.#readers) if (reader.mayRead) lowest = Math.min(lowest, reader.cursor.offset);
    return lowest;
  }

  /** Has them deliver as much as one turn allows; true when there may be more to deliver. */
  deliver(): boolean {
    let units = TURN_UNITS;
    for (let idle = 0; idle < this.#readers.length; ) {
      if (this.#next >= this.#readers.length) this.#next = 0;
      const reader = this.#readers[this.#next++] as StreamReader;
      const used = reader.hasWork ? reader.deliver(Math.min(units, READER_UNITS)) : 0;
      units -= used;
      if (units <= 0) return true;
      idle = used === 0 ? idle + 1 : 0;
    }
    return false;
  }
}
