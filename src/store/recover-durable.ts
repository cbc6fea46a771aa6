import type { ChunkDescriptor, ChunkSettlement, RecoveryVisitor } from "../core/ports.ts";
import type { Logger } from "../lib/logger.ts";
import { StoreFormatError } from "./errors.ts";
import {
  readChunkKey,
  readDefinitionKind,
  readNoteKey,
  readQueueId,
  readSettlement,
  readSettlementFirst,
} from "./key-layout.ts";
import type { BinaryDatabase } from "./lmdb-environment.ts";
import type { DurableEnvironment } from "./write-changes.ts";

/**
 * Reports what the durable environment holds, except of owners whose removal is under way. Reads no chunk's value.
 * Throws {@link StoreFormatError}.
 */
export function recoverDurable(
  environment: DurableEnvironment,
  isDropped: (queueId: number) => boolean,
  visitor: RecoveryVisitor,
  logger: Logger,
): void {
  for (const { key, value } of environment.database("definitions").getRange()) {
    const definition = parseDefinition(value);
    visitor.definition(readDefinitionKind(key), definition.id, definition.value);
  }
  for (const { key, value } of environment.database("notes").getRange()) {
    const ownerId = readQueueId(key);
    if (!isDropped(ownerId)) visitor.note(ownerId, readNoteKey(key), value);
  }
  const settlements = new SettlementCursor(environment.database("settlements"), logger);
  let queueIdBefore = -1;
  let nextFirst = 0;
  for (const key of environment.database("chunks").getKeys()) {
    const queueId = readQueueId(key);
    if (isDropped(queueId)) continue;
    const chunk = readChunkKey(key);
    if (queueId === queueIdBefore && chunk.first < nextFirst) {
      throw new StoreFormatError(`chunks overlap at message ${chunk.first} of queue ${queueId}`);
    }
    queueIdBefore = queueId;
    nextFirst = chunk.first + chunk.count;
    visitor.chunk(queueId, chunk, settlements.take(queueId, chunk));
  }
  settlements.close();
}

function parseDefinition(value: Buffer): { id: string; value: unknown } {
  try {
    return JSON.parse(value.toString());
  } catch (error) {
    throw new StoreFormatError("a definition in the store is not JSON", { cause: error });
  }
}

/** Walks the settlements in step with the chunks: both are in the order of queue and sequence number. */
class SettlementCursor {
  readonly #entries: Iterator<{ key: Buffer; value: Buffer }>;
  readonly #logger: Logger;
  #entry: { key: Buffer; value: Buffer } | undefined;

  constructor(settlements: BinaryDatabase, logger: Logger) {
    this.#entries = settlements.getRange()[Symbol.iterator]();
    this.#logger = logger;
    this.#advance();
  }

  take(queueId: number, chunk: ChunkDescriptor): ChunkSettlement | undefined {
    for (let entry = this.#entry; entry !== undefined; entry = this.#entry) {
      const ofQueueId = readQueueId(entry.key);
      const first = readSettlementFirst(entry.key);
      if (ofQueueId > queueId || (ofQueueId === queueId && first > chunk.first)) return undefined;
      this.#advance();
      if (ofQueueId === queueId && first === chunk.first) return readSettlement(entry.value, chunk);
      this.#logger.debug("settlement without a chunk", { queueId: ofQueueId, first });
    }
    return undefined;
  }

  close(): void {
    this.#entries.return?.();
  }

  #advance(): void {
    const result = this.#entries.next();
    this.#entry = result.done === true ? undefined : result.value;
  }
}
