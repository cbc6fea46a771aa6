// Hot file: every message that a client sends unsettled passes here.

import { binary, encodeValue, map, NULL, type Typed } from "../codec/types.ts";

/** What a map takes beside its keys and values. */
const MAP_BYTES = 9;

/** A link as it is told what became of the deliveries that have come on it. */
export interface DecidedLink {
  /** What is to be said of deliveries `first` to `last`, all of this link. */
  tell(first: number, last: number, state: Typed): void;
  /** The delivery's state is known. */
  decided(delivery: UnsettledDelivery): void;
  /** The client has attached it in another place. */
  stolen(): void;
}

/** A link that its client has detached and may come back to. */
export interface DetachedLink {
  readonly unsettled: UnsettledDeliveries;
  /** The session is over in which it was detached. */
  sessionEnded(): void;
}

/** A message from a client, until both ends agree what became of it. */
export interface UnsettledDelivery {
  /** Its delivery tag, an octet a character. */
  readonly tag: string;
  /** The link it is under way on, and its id there: a resumed delivery has others than it came with. */
  link: DecidedLink;
  deliveryId: number;
  /** The client has settled it, and is told nothing more. */
  settled: boolean;
  /** What has become of it; undefined: nothing yet. */
  state: Typed | undefined;
}

/**
 * The deliveries of a link that its client may hold for unsettled: what an attach tells of when the link is resumed.
 * Source: AMQP 1.0, part 2.6.13.
 */
export class UnsettledDeliveries {
  /** The link that adds to them; it changes when the link is resumed. */
  link: DecidedLink | undefined;
  /** The client has not been told of all of them: it may resume deliveries, and nothing else. */
  incomplete = false;
  readonly #byTag = new Map<string, UnsettledDelivery>();

  get size(): number {
    return this.#byTag.size;
  }

  add(delivery: UnsettledDelivery): void {
    this.#byTag.delete(delivery.tag);
    this.#byTag.set(delivery.tag, delivery);
  }

  get(tag: string): UnsettledDelivery | undefined {
    return this.#byTag.get(tag);
  }

  delete(delivery: UnsettledDelivery): void {
    if (this.#byTag.get(delivery.tag) === delivery) this.#byTag.delete(delivery.tag);
  }

  /** Forgets the oldest beyond `count`. */
  trim(count: number): void {
    for (const delivery of this.#byTag.values()) {
      if (this.#byTag.size <= count) return;
      this.delete(delivery);
    }
  }

  /** Forgets what the client does not hold for unsettled. */
  retain(tags: ReadonlySet<string>): void {
    for (const tag of this.#byTag.keys()) if (!tags.has(tag)) this.#byTag.delete(tag);
  }

  /** The field `unsettled` of an attach, of as many as fit into `bytesMax` octets; notes when those are not all. */
  encode(bytesMax: number): Typed {
    const items: Typed[] = [];
    let bytes = MAP_BYTES;
    this.incomplete = false;
    for (const { tag, state } of this.#byTag.values()) {
      const key = binary(Buffer.from(tag, "latin1"));
      const value = state ?? NULL;
      bytes += encodeValue(key).length + encodeValue(value).length;
      if (bytes > bytesMax) {
        this.incomplete = true;
        break;
      }
      items.push(key, value);
    }
    return map(items);
  }
}
