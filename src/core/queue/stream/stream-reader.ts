// Hot file: deliver runs for every message that a consumer of a stream gets.

import { Message } from "../../message.ts";
import { type ConsumedQueue, Consumer, type ConsumerOptions, type DeliverySink } from "../consumer.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import type { GroupedReader, ReaderGroup } from "./reader-group.ts";
import type { StreamCursor } from "./stream-cursor.ts";
import type { StreamFilter } from "./stream-filter.ts";
import type { TrackedOffset, TrackedOffsets } from "./tracked-offsets.ts";
import { UnsettledOffsets } from "./unsettled-offsets.ts";

/** What a delivery costs of the units a turn has; passing over a message or a chunk that does not match costs 1. */
export const DELIVERY_UNITS = 8;

/** The stream as its readers see it. */
export interface ReaderHost {
  readonly name: string;
  readonly vhostName: string;
  readonly index: ChunkIndex;
  /** Deliveries of all readers that wait for an acknowledgement. */
  unackedCount: number;
  /** The reader may be able to take messages. */
  readerReady(): void;
  /** The reader's consumer is gone. */
  readerCancelled(reader: StreamReader): void;
}

/** What a reader is made with. */
export interface ReaderOptions {
  readonly cursor: StreamCursor;
  readonly filter: StreamFilter | undefined;
  /** The group of which one at a time reads; undefined: it is in none. */
  readonly group: ReaderGroup | undefined;
  /** Where its acknowledgements are kept; undefined: they only give credit. */
  readonly tracked: TrackedOffset | undefined;
  readonly trackedOffsets: TrackedOffsets;
}

/**
 * One consumer of a stream. Its consumer takes it for the queue: what the consumer acknowledges concerns this reader and
 * no other. However a delivery ends, it gives credit and moves the reader's tracked offset; only what a consumer leaves
 * behind unacknowledged does not.
 */
export class StreamReader implements ConsumedQueue, GroupedReader {
  readonly name: string;
  readonly vhostName: string;
  readonly consumer: Consumer;
  readonly cursor: StreamCursor;
  readonly group: ReaderGroup | undefined;
  unackedCount = 0;
  readonly #host: ReaderHost;
  readonly #filter: StreamFilter | undefined;
  readonly #tracked: TrackedOffset | undefined;
  readonly #trackedOffsets: TrackedOffsets;
  /** Undefined when nobody wants to know what it has acknowledged. */
  readonly #unsettled: UnsettledOffsets | undefined;
  readonly #message = new Message();
  #units = 0;
  #gone = false;

  constructor(host: ReaderHost, sink: DeliverySink, consumerOptions: ConsumerOptions, options: ReaderOptions) {
    this.name = host.name;
    this.vhostName = host.vhostName;
    this.consumer = new Consumer(this, sink, consumerOptions);
    this.cursor = options.cursor;
    this.group = options.group;
    this.#host = host;
    this.#filter = options.filter;
    this.#tracked = options.tracked;
    this.#trackedOffsets = options.trackedOffsets;
    const isFollowed = options.tracked !== undefined || options.group !== undefined;
    this.#unsettled = isFollowed ? new UnsettledOffsets() : undefined;
  }

  /** True when there are messages for it, whether or not its consumer can take them. */
  get hasWork(): boolean {
    return !this.cursor.atEnd && this.mayRead;
  }

  /** False while another one of its group is active. */
  get mayRead(): boolean {
    return this.group === undefined || this.group.mayRead(this);
  }

  get settledOffset(): number {
    return this.#unsettled?.oldest ?? this.cursor.offset;
  }

  activate(offset: number | undefined): void {
    if (offset !== undefined) this.cursor.seek(offset);
    this.#host.readerReady();
  }

  /** Hands out messages for as long as the consumer takes them and `units` last; returns how many units are used. */
  deliver(units: number): number {
    this.#units = units;
    const { consumer, cursor } = this;
    const message = this.#message;
    cursor.resume();
    while (this.#units > 0 && consumer.ready && this.#advance(message)) {
      const offset = cursor.offset - 1;
      this.#units -= DELIVERY_UNITS;
      this.unackedCount++;
      this.#host.unackedCount++;
      consumer.unackedCount++;
      this.#unsettled?.delivered(offset);
      consumer.sink.deliver(consumer, message, offset, false);
    }
    message.release();
    cursor.rest();
    return units - this.#units;
  }

  settle(offset: number): void {
    this.unackedCount--;
    this.#host.unackedCount--;
    const unsettled = this.#unsettled;
    if (unsettled === undefined) return;
    unsettled.settle(offset);
    if (this.#tracked !== undefined) this.#trackedOffsets.advance(this.#tracked, unsettled.settledBelow);
    this.group?.settled(this);
  }

  /** Streams do not take messages back: RabbitMQ counts a return as an acknowledgement. */
  requeue(offset: number): void {
    if (!this.#gone) {
      this.settle(offset);
      return;
    }
    this.unackedCount--;
    this.#host.unackedCount--;
  }

  /** Streams have no dead letters: RabbitMQ counts a rejection as an acknowledgement. */
  reject(offset: number): void {
    this.settle(offset);
  }

  cancel(): void {
    this.leave();
    this.#host.readerCancelled(this);
  }

  /** Its consumer is gone. What that has not acknowledged may still be acknowledged. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    if (this.#tracked !== undefined) this.#trackedOffsets.close(this.#tracked);
    this.group?.remove(this);
  }

  consumerReady(): void {
    if (this.hasWork) this.#host.readerReady();
  }

  /** Points `message` at the next message that the filter lets through; false when there is none for now. */
  #advance(message: Message): boolean {
    const { cursor } = this;
    const filter = this.#filter;
    if (filter === undefined) return cursor.next(message);
    while (this.#units > 0) {
      const ahead = cursor.chunkAhead;
      this.#units--;
      if (ahead !== undefined && !filter.mayMatch(this.#host.index.filterOf(ahead))) {
        cursor.seek(ahead.end);
        continue;
      }
      if (!cursor.next(message)) return false;
      if (filter.matches(message)) return true;
    }
    return false;
  }
}
