// Hot file: runs for every acknowledgement.

import { encodeMethodFrame } from "../wire/method-codec.ts";
import { CHANNEL, type PerfConnection } from "./connection.ts";
import { writeLonglong } from "./longlong.ts";
import { WriteMemory } from "./write-memory.ts";

/** Acknowledgements that one write holds. */
const ACKS_PER_WRITE = 512;

/** How far from the end of a basic.ack frame its delivery tag begins: tag, flags, end of the frame. */
const TAG_BYTES_FROM_END = 10;

/** Gathers basic.ack frames and writes them together. */
export class AckWriter {
  readonly #frameBytes: number;
  readonly #memory: WriteMemory;

  /** @param multiple whether each acknowledgement covers all before it */
  constructor(connection: PerfConnection, multiple: boolean) {
    const frame = encodeMethodFrame(CHANNEL, "basic.ack", { deliveryTag: 0, multiple });
    this.#frameBytes = frame.length;
    // Full of frames that lack nothing but their delivery tags.
    this.#memory = new WriteMemory(connection, () => Buffer.alloc(frame.length * ACKS_PER_WRITE, frame));
  }

  ack(deliveryTag: number): void {
    const memory = this.#memory;
    writeLonglong(memory.octets, memory.length + this.#frameBytes - TAG_BYTES_FROM_END, deliveryTag);
    memory.length += this.#frameBytes;
    if (memory.length === memory.octets.length) memory.flush();
  }

  flush(): void {
    this.#memory.flush();
  }
}
