// Hot file: add runs for every message of an exchange with a history.

import { isPublishedPersistent } from "../delivery-mode.ts";
import { Message } from "../message.ts";
import type { MessageHistory, MessageHistoryOptions } from "../message-history.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../ports.ts";
import type { LogEnvironment } from "./chunk-storage.ts";
import { HISTORY_LANE, LANE_SEQUENCES } from "./lanes.ts";
import { MessageLog } from "./message-log.ts";

/** The latest messages of an exchange: ones that are taken from a message log and not settled until others are later. */
export class HistoryLog implements MessageHistory {
  readonly id: number;
  readonly firstSequence = HISTORY_LANE * LANE_SEQUENCES;
  /** Called when it has been dropped. */
  onDropped: (() => void) | undefined;
  readonly #countMax: number;
  readonly #durable: boolean;
  readonly #log: MessageLog;
  /** Octets of the bodies by sequence number, from the oldest to the latest. */
  readonly #bodyBytes = new Map<number, number>();
  readonly #taken = new Message();

  constructor({ id, durable, countMax }: MessageHistoryOptions, environment: LogEnvironment) {
    this.id = id;
    this.#countMax = countMax;
    this.#durable = durable;
    this.#log = new MessageLog(id, durable, environment, { lane: HISTORY_LANE, marksDeliveries: false });
  }

  add(message: Message): void {
    const { persistent } = message;
    message.persistent = this.#durable;
    this.#log.append(message, undefined, 0);
    message.persistent = persistent;
    this.#takeReady();
    if (this.#bodyBytes.size <= this.#countMax) return;
    for (const [sequence, bodyBytes] of this.#bodyBytes) {
      this.#bodyBytes.delete(sequence);
      this.#log.settle(sequence, this.#durable, bodyBytes);
      if (this.#bodyBytes.size <= this.#countMax) return;
    }
  }

  replay(visit: (message: Message) => void): void {
    this.#takeReady();
    const view = new Message();
    for (const sequence of [...this.#bodyBytes.keys()]) {
      // Visiting may have added others, and so have ended this one.
      if (!this.#bodyBytes.has(sequence)) continue;
      this.#log.read(sequence, view);
      const message = view.detached();
      message.persistent = isPublishedPersistent(message);
      visit(message);
    }
  }

  /** Nothing is left in notes. */
  recoverNote(): void {}

  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    this.#log.recoverChunk(chunk, settlement);
  }

  /** There is no timer. */
  stop(): void {}

  drop(): void {
    this.#log.drop();
    this.#bodyBytes.clear();
    this.onDropped?.();
  }

  /** After a restart there may be several, otherwise it is the one that was added. */
  #takeReady(): void {
    const message = this.#taken;
    while (this.#log.readyCount > 0 && this.#log.peek(message)) {
      this.#bodyBytes.set(this.#log.take(message), message.bodyBytes);
    }
    message.release();
  }
}
