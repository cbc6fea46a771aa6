// Hot file: one instance is reused for every message that passes; keep its shape stable.

import { stringFromOctets } from "../wire/octet-string.ts";

const EMPTY = Buffer.alloc(0);

/** {@link Message.priority} of a message without the property. */
export const NO_PRIORITY = 255;

/** A buffer that is used for something else once nobody holds it any more. */
export interface HeldBuffer {
  readonly buffer: Buffer;
  /** Keeps it as it is until `release` is called as often. */
  hold(): void;
  release(): void;
}

/** A change of the content, made as it is copied. */
export interface ContentSplice {
  /** By how many octets the content grows. */
  readonly grownBytes: number;
  /** Writes the changed content to `offset` of `target`, which has room. */
  write(buffer: Buffer, contentStart: number, contentEnd: number, target: Buffer, offset: number): void;
}

/**
 * A view of one message as bytes. The same instance is refilled for the next message, so whoever keeps a
 * message copies its bytes.
 *
 * `address` is the exchange name and the routing key as two adjacent shortstrs (one length octet each), the way
 * basic.publish and basic.deliver carry them. `content` is one content header frame followed by the body
 * frames, complete with frame heads and frame ends, in canonical form: the body is split at the server's
 * frame-max minus 8, only the last frame is shorter, no body frame is empty. The channel numbers in it are arbitrary.
 */
export class Message {
  buffer: Buffer = EMPTY;
  /**
   * Who may be asked to keep `buffer`, if it is that one's, beyond the moment: so a large message need not be copied.
   * Undefined: nobody.
   */
  owner: HeldBuffer | undefined;
  /** How the content is to be changed by whoever records the message; undefined: not at all. */
  splice: ContentSplice | undefined;
  addressStart = 0;
  addressEnd = 0;
  contentStart = 0;
  contentEnd = 0;
  /** Octets of the body, without frame heads. */
  bodyBytes = 0;
  /** delivery-mode 2. */
  persistent = false;
  /** The priority property, 254 for higher ones; {@link NO_PRIORITY} when absent. */
  priority = NO_PRIORITY;
  /** Milliseconds since the Unix epoch at which the broker took the message. */
  publishedAt = 0;
  /** Milliseconds since the Unix epoch at which the message expires; 0: never. */
  expiresAt = 0;
  /** True when the broker itself has published it, to a dead letter exchange: what its headers say of deaths is true. */
  deadLettered = false;
  /** True when a consumer has failed on it in a queue that it comes from as a dead letter: it counts as redelivered. */
  hasFailed = false;
  /** How often consumers have failed on it, where its queue counts that without saying so in headers. */
  failedCount = 0;
  /** The routing keys of a BCC header, which receivers do not see, as adjacent longstrs. */
  bcc: Buffer = EMPTY;

  /** Makes this a view of what `other` is a view of. */
  copyFrom(other: Message): void {
    this.buffer = other.buffer;
    this.owner = other.owner;
    this.addressStart = other.addressStart;
    this.addressEnd = other.addressEnd;
    this.contentStart = other.contentStart;
    this.contentEnd = other.contentEnd;
    this.bodyBytes = other.bodyBytes;
    this.persistent = other.persistent;
    this.priority = other.priority;
    this.publishedAt = other.publishedAt;
    this.expiresAt = other.expiresAt;
    this.deadLettered = other.deadLettered;
    this.hasFailed = other.hasFailed;
    this.failedCount = other.failedCount;
    this.bcc = other.bcc;
  }

  /** Lets go of the bytes, so that a view that is kept for the next message keeps nothing alive. */
  release(): void {
    this.buffer = EMPTY;
    this.owner = undefined;
    this.bcc = EMPTY;
  }

  /** A message with bytes of its own. */
  detached(): Message {
    const copy = new Message();
    copy.copyFrom(this);
    copy.owner = undefined;
    const addressBytes = this.addressEnd - this.addressStart;
    copy.buffer = Buffer.concat([
      this.buffer.subarray(this.addressStart, this.addressEnd),
      this.buffer.subarray(this.contentStart, this.contentEnd),
    ]);
    copy.addressStart = 0;
    copy.addressEnd = addressBytes;
    copy.contentStart = addressBytes;
    copy.contentEnd = copy.buffer.length;
    if (this.bcc.length > 0) copy.bcc = Buffer.from(this.bcc);
    return copy;
  }

  get exchangeName(): string {
    const start = this.addressStart + 1;
    return stringFromOctets(this.buffer, start, start + (this.buffer[this.addressStart] as number));
  }

  get routingKey(): string {
    const start = this.addressStart + 1 + (this.buffer[this.addressStart] as number);
    return stringFromOctets(this.buffer, start + 1, this.addressEnd);
  }
}
