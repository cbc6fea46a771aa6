// Hot file: runs for every acknowledgement and for every request that is answered.

import type { PerfConnection } from "./connection.ts";

/** Memory in which octets are gathered and from which they are written together; it is used again once they are. */
export class WriteMemory {
  /** Where octets go next, from `length` on. */
  octets: Buffer;
  length = 0;
  readonly #connection: PerfConnection;
  readonly #allocate: () => Buffer;
  readonly #free: Buffer[] = [];

  /** @param allocate makes further memory, for as long as there is none that is written */
  constructor(connection: PerfConnection, allocate: () => Buffer) {
    this.#connection = connection;
    this.#allocate = allocate;
    this.octets = allocate();
  }

  /** Writes what has been gathered. */
  flush(): void {
    if (this.length === 0) return;
    const { octets } = this;
    this.#connection.write(octets.subarray(0, this.length), () => this.#free.push(octets));
    this.octets = this.#free.pop() ?? this.#allocate();
    this.length = 0;
  }
}
