import { assert } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import { BrokerError } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { resourceText } from "../../names.ts";
import type { ChunkDescriptor } from "../../ports.ts";
import type { Receipt } from "../../receipt.ts";
import type { Drainable, Turn } from "../../turn.ts";
import { ARENA_BYTES } from "../arena.ts";
import type { Consumer, ConsumerOptions, DeliverySink } from "../consumer.ts";
import type { Queue, QueueOptions } from "../queue.ts";
import { QueueBase } from "../queue-base.ts";
import type { QueueEnvironment } from "../queue-environment.ts";
import type { QueueSettings } from "../queue-settings.ts";
import { FILTER_BYTES_DEFAULT } from "./chunk-filter.ts";
import { ChunkIndex } from "./chunk-index.ts";
import { checkStreamConsumer, groupName, tracksOffset } from "./consumer-checks.ts";
import { type OffsetSpecification, offsetArgument } from "./offset-argument.ts";
import { ReaderGroup } from "./reader-group.ts";
import { ReaderRotation } from "./reader-rotation.ts";
import { Retention } from "./retention.ts";
import { StreamCursor } from "./stream-cursor.ts";
import { filterArgument } from "./stream-filter.ts";
import { StreamLog, type StreamLogListener } from "./stream-log.ts";
import { type ReaderHost, StreamReader } from "./stream-reader.ts";
import { TrackedOffsets } from "./tracked-offsets.ts";

/**
 * A stream: a queue that is read and not emptied. Any number of consumers read it, each from where it wants and at its
 * own pace; messages go when the retention says so. RabbitMQ: "Streams and Super Streams".
 */
export class StreamQueue extends QueueBase implements Queue, Drainable, ReaderHost, StreamLogListener {
  unackedCount = 0;
  readonly delayedCount = 0;
  readonly gotRedelivered = false;
  readonly index: ChunkIndex;
  readonly #clock: Clock;
  readonly #turn: Turn;
  readonly #log: StreamLog;
  readonly #retention: Retention;
  readonly #tracked: TrackedOffsets;
  readonly #readers = new ReaderRotation();
  readonly #groups = new Map<string, ReaderGroup>();
  #partition = 0;
  #drainRequested = false;
  #dropped = false;

  constructor(options: QueueOptions, environment: QueueEnvironment) {
    super(options);
    this.#clock = environment.clock;
    this.#turn = environment.turn;
    const { barrier, clock } = environment;
    const log = new StreamLog(options.id, environment, this);
    this.#log = log;
    this.index = new ChunkIndex(log, FILTER_BYTES_DEFAULT);
    this.#retention = new Retention(log, this.index, clock);
    this.#tracked = new TrackedOffsets(options.id, { barrier, clock, noteUsed: () => log.noteUsed() });
    this.configure(options.settings);
  }

  /** Messages in the log: consuming does not lower it. */
  get readyCount(): number {
    return this.#log.messageCount;
  }

  get readyBytes(): number {
    return this.#log.bodyBytes;
  }

  get consumerCount(): number {
    return this.#readers.size;
  }

  /** The offset of the oldest message. */
  get firstOffset(): number {
    return this.#log.firstOffset;
  }

  /** One past the offset of the newest durable message; RabbitMQ's committed offset is one less. */
  get durableEnd(): number {
    return this.#log.durableEnd;
  }

  /**
   * Makes it partition number `partition`, from 0, of a super stream: with n consumers in a group of single active
   * ones, that number modulo n says which of them reads here.
   */
  setPartition(partition: number): void {
    this.#partition = partition;
    for (const group of this.#groups.values()) group.partition = partition;
  }

  configure(settings: QueueSettings): void {
    this.settings = settings;
    this.#log.chunkBytesMax = Math.min(settings.segmentBytesMax ?? ARENA_BYTES, ARENA_BYTES);
    this.index.filterBytes = settings.filterBytes ?? FILTER_BYTES_DEFAULT;
    this.#retention.configure(settings);
  }

  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    if (this.#dropped) receipt?.stored(publishSequence);
    else this.#log.append(message, receipt, publishSequence);
  }

  refuses(): boolean {
    return false;
  }

  /** Hands messages to the readers in turn, as many as one turn allows. */
  drain(): void {
    this.#drainRequested = false;
    const mayHaveMore = this.#readers.deliver();
    this.#log.loaded.rest();
    if (mayHaveMore) this.readerReady();
  }

  /**
   * Adds a consumer. An exclusive one keeps no others out, as in RabbitMQ.
   * @throws BrokerError PRECONDITION_FAILED or NOT_IMPLEMENTED for what a stream does not do
   */
  consume(sink: DeliverySink, options: ConsumerOptions): Consumer {
    const resource = this.#resource;
    checkStreamConsumer(options, resource);
    const asked = offsetArgument(options.arguments, resource, this.#clock.now());
    const filter = filterArgument(options.arguments, resource);
    const tracked = tracksOffset(options) ? this.#tracked.open(options.tag) : undefined;
    const offset = tracked !== undefined && tracked.next >= 0 ? tracked.next : this.#startOf(asked ?? { kind: "next" });
    // From now on its place is known: what it is given and never acknowledges comes again.
    if (tracked !== undefined) this.#tracked.advance(tracked, offset);
    const reader = new StreamReader(this, sink, options, {
      cursor: new StreamCursor(this.#log, offset),
      filter,
      group: this.#groupOf(groupName(options)),
      tracked,
      trackedOffsets: this.#tracked,
    });
    this.#readers.add(reader);
    this.#log.loaded.setReaders(this.#readers.size);
    reader.group?.add(reader);
    this.readerReady();
    return reader.consumer;
  }

  /** @throws BrokerError NOT_IMPLEMENTED */
  get(): number {
    throw new BrokerError("NOT_IMPLEMENTED", `basic.get not supported by stream queues ${this.#resource}`);
  }

  /** @throws BrokerError NOT_IMPLEMENTED */
  purge(): number {
    throw new BrokerError("NOT_IMPLEMENTED", `queue.purge not supported by stream queues ${this.#resource}`);
  }

  /** A stream has no lease. */
  touch(): void {}

  stop(): void {
    this.#retention.stop();
  }

  drop(): number {
    const messageCount = this.readyCount;
    this.#dropped = true;
    this.#retention.stop();
    this.#tracked.drop();
    this.#log.drop();
    for (const reader of this.#readers.removeAll()) {
      reader.leave();
      reader.consumer.sink.consumerCancelled(reader.consumer);
    }
    this.#groups.clear();
    this.onDropped?.();
    return messageCount;
  }

  recoverNote(key: Uint8Array, value: Uint8Array): void {
    this.#tracked.recoverNote(key, value);
  }

  /** Every reader knows its own offset. */
  recoverDelivered(): void {}

  recoverChunk(chunk: ChunkDescriptor): void {
    this.#log.recoverChunk(chunk);
    this.#retention.applySoon();
  }

  // --- what the log and the readers tell ---

  stored(): void {
    this.#retention.apply();
    this.readerReady();
  }

  lowestOffset(): number {
    return this.#readers.lowestOffset;
  }

  readerReady(): void {
    if (this.#drainRequested || this.#readers.size === 0) return;
    this.#drainRequested = true;
    this.#turn.requestDrain(this);
  }

  readerCancelled(reader: StreamReader): void {
    if (!this.#readers.remove(reader)) return;
    this.#log.loaded.setReaders(this.#readers.size);
    for (const [name, group] of this.#groups) if (group.size === 0) this.#groups.delete(name);
    if (this.#readers.size === 0 && this.autoDelete) this.onUnused?.();
  }

  // --- what consumers ask of their own reader, never of the stream ---

  cancel(consumer: Consumer): void {
    this.#readers.find(consumer)?.cancel();
  }

  consumerReady(): void {
    this.readerReady();
  }

  settle(): void {
    assert(false, "deliveries of a stream end with their reader");
  }

  requeue(): void {
    assert(false, "deliveries of a stream end with their reader");
  }

  reject(): void {
    assert(false, "deliveries of a stream end with their reader");
  }

  get #resource(): string {
    return resourceText("queue", this.name, this.vhostName);
  }

  #startOf(asked: OffsetSpecification): number {
    const { firstOffset, durableEnd } = this.#log;
    switch (asked.kind) {
      case "first":
        return firstOffset;
      case "last":
        return durableEnd > firstOffset ? this.#log.chunkAt(durableEnd - 1).first : durableEnd;
      case "next":
        return durableEnd;
      case "offset":
        return asked.offset;
      case "newest":
        return Math.max(firstOffset, durableEnd - asked.count);
      case "since":
        return this.index.offsetSince(asked.at);
    }
  }

  #groupOf(name: string | undefined): ReaderGroup | undefined {
    if (name === undefined) return undefined;
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new ReaderGroup();
      group.partition = this.#partition;
      this.#groups.set(name, group);
    }
    return group;
  }
}
