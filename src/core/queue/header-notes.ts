import { assert } from "../../lib/assert.ts";
import { decodeTableBody, encodeTableBody, type FieldTable, type TableLimits } from "../../wire/field-table.ts";
import { NOTE_VALUE_BYTES_MAX, type Store } from "../ports.ts";
import { headersKey } from "./notes.ts";

/** They were within the broker's limits when they came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

/** The first part begins with a u32: octets of the table, which the parts come to when they are put together. */
const LENGTH_BYTES = 4;

interface Written {
  readonly headers: FieldTable;
  readonly partCount: number;
}

/** Headers of messages as notes of their queue: a table in as many parts as it takes. */
export class HeaderNotes {
  readonly #queueId: number;
  readonly #written = new Map<number, Written>();
  /** What recovery has found so far of a table. */
  #parts: Uint8Array[] = [];

  constructor(queueId: number) {
    this.#queueId = queueId;
  }

  /** Makes what is stored for a message `headers`; an empty table stores nothing. */
  write(store: Store, sequence: number, headers: FieldTable): void {
    const before = this.#written.get(sequence);
    if (before?.headers === headers || (before === undefined && headers.size === 0)) return;
    const parts = headers.size === 0 ? [] : partsOf(headers);
    for (const [part, octets] of parts.entries()) store.putNote(this.#queueId, headersKey(sequence, part), octets);
    for (let part = parts.length; part < (before?.partCount ?? 0); part++) {
      store.deleteNote(this.#queueId, headersKey(sequence, part));
    }
    if (parts.length === 0) this.#written.delete(sequence);
    else this.#written.set(sequence, { headers, partCount: parts.length });
  }

  /** Takes over a part that recovery found: all of a table come one after the other. Returns the table with its last. */
  recover(sequence: number, part: number, value: Uint8Array): FieldTable | undefined {
    if (part === 0) this.#parts = [];
    this.#parts.push(Buffer.from(value));
    assert(this.#parts.length === part + 1, "the parts of a message's headers come in order");
    const octets = Buffer.concat(this.#parts);
    if (octets.length < LENGTH_BYTES + octets.readUInt32BE(0)) return undefined;
    const headers = decodeTableBody(octets, LENGTH_BYTES, octets.length, NO_TABLE_LIMITS);
    this.#written.set(sequence, { headers, partCount: this.#parts.length });
    this.#parts = [];
    return headers;
  }

  /** The queue has gone, and its notes with it. */
  clear(): void {
    this.#written.clear();
  }
}

function partsOf(headers: FieldTable): Buffer[] {
  const body = encodeTableBody(headers);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(body.length);
  const octets = Buffer.concat([length, body]);
  const parts: Buffer[] = [];
  for (let start = 0; start < octets.length; start += NOTE_VALUE_BYTES_MAX) {
    parts.push(octets.subarray(start, start + NOTE_VALUE_BYTES_MAX));
  }
  return parts;
}
