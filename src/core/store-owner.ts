import type { ChunkDescriptor, ChunkSettlement } from "./ports.ts";

/** What keeps messages or notes in the store under an id of its own: a queue, or what an exchange keeps. */
export interface StoreOwner {
  /** Unique among the queues and exchanges of the broker. */
  readonly id: number;
  /** Takes over what recovery found: a note it has left in the store. Notes come before chunks. */
  recoverNote(key: Uint8Array, value: Uint8Array): void;
  /** Takes over what recovery found: chunks come in ascending order. */
  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void;
}

/** What an exchange keeps in the store. */
export interface ExchangeStorage extends StoreOwner {
  /** The lowest sequence number of its messages. */
  readonly firstSequence: number;
  /** Sets no timer any more: the broker is closing. */
  stop(): void;
  /** Forgets everything, in the store too: the exchange is deleted. */
  drop(): void;
}
