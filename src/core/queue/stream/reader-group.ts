/** A reader as its group sees it. */
export interface GroupedReader {
  /** Deliveries that wait for an acknowledgement. */
  readonly unackedCount: number;
  /** The offset below which it has acknowledged everything. */
  readonly settledOffset: number;
  /** It is its turn: it goes on at `offset`, where the one before it has left off; undefined: where it wanted to begin. */
  activate(offset: number | undefined): void;
}

/**
 * Readers of which one at a time is active: the first that came or, in a partition of a super stream, the one whose turn
 * it is there, so that the partitions spread over the readers. When another one is to be active while the present one
 * is still there, that one gets nothing more and the change waits until it has acknowledged what it has; so messages
 * stay in order and come twice only when a reader is lost. RabbitMQ: "Single Active Consumer for Streams".
 */
export class ReaderGroup {
  readonly #readers: GroupedReader[] = [];
  #partition = 0;
  #active: GroupedReader | undefined;
  /** Where the next active reader goes on; undefined before the first. */
  #offset: number | undefined;

  get size(): number {
    return this.#readers.length;
  }

  /** The stream is partition number `partition`, from 0, of a super stream. */
  set partition(partition: number) {
    this.#partition = partition;
    this.#choose();
  }

  add(reader: GroupedReader): void {
    this.#readers.push(reader);
    this.#choose();
  }

  remove(reader: GroupedReader): void {
    const index = this.#readers.indexOf(reader);
    if (index < 0) return;
    this.#readers.splice(index, 1);
    if (reader === this.#active) {
      this.#offset = reader.settledOffset;
      this.#active = undefined;
    }
    this.#choose();
  }

  /** Whether the reader may be given messages. */
  mayRead(reader: GroupedReader): boolean {
    return reader === this.#active && reader === this.#chosen;
  }

  /** A reader has acknowledged something. */
  settled(reader: GroupedReader): void {
    if (reader === this.#active && reader !== this.#chosen) this.#choose();
  }

  get #chosen(): GroupedReader | undefined {
    return this.#readers[this.#partition % Math.max(1, this.#readers.length)];
  }

  #choose(): void {
    const chosen = this.#chosen;
    const active = this.#active;
    if (chosen === undefined || chosen === active || (active !== undefined && active.unackedCount > 0)) return;
    if (active !== undefined) this.#offset = active.settledOffset;
    this.#active = chosen;
    chosen.activate(this.#offset);
  }
}
