// Hot file: runs for every acknowledgement.

import { encodeMethodFrame } from "../wire/method-codec.ts";
import { CHANNEL, type PerfConnection } from "./connection.ts";
import { writeLonglong } from "./longlong.ts";

/** Acknowledgements that one write holds. */
const ACKS_PER_WRITE = 512;

/** Gathers basic.ack frames and writes them together, in memory that is used again once it is written. */
export class AckWriter {
  readonly #connection: PerfConnection;
  readonly #frame: Buffer;
  readonly #free: Buffer[] = [];
  #octets: Buffer;
  #length = 0;

  /** @param multiple whether each acknowledgement covers all before it */
  constructor(connection: PerfConnection, multiple: boolean) {
    this.#connection = connection;
    this.#frame = encodeMethodFrame(CHANNEL, "basic.ack", { deliveryTag: 0, multiple });
    this.#octets = this.#newMemory();
  }

  ack(deliveryTag: number): void {
    const at = this.#length;
    const octets = this.#octets;
    writeLonglong(octets, at + this.#frame.length - 10, deliveryTag);
    this.#length = at + this.#frame.length;
    if (this.#length === octets.length) this.flush();
  }

  flush(): void {
    if (this.#length === 0) return;
    const octets = this.#octets;
    this.#connection.write(octets.subarray(0, this.#length), () => this.#free.push(octets));
    this.#octets = this.#free.pop() ?? this.#newMemory();
    this.#length = 0;
  }

  /** Full of frames that lack nothing but their delivery tags. */
  #newMemory(): Buffer {
    return Buffer.alloc(this.#frame.length * ACKS_PER_WRITE, this.#frame);
  }
}
