// Hot file: add runs for every message of an exchange with a history.
import type { Message } from "../message.ts";

/** A message that is remembered. */
export interface RememberedMessage {
  /** A copy that nobody changes. */
  readonly message: Message;
  /** The publish's routing key first, then the CC and BCC keys. */
  readonly routingKeys: readonly string[];
}

/** Rough cost of remembering one message, besides its own octets. */
const MESSAGE_OVERHEAD_BYTES = 512;

/** The latest messages, as many as both limits allow. */
export class MessageHistory implements Iterable<RememberedMessage> {
  readonly #countMax: number;
  readonly #bytesMax: number;
  /** From the oldest to the latest; a set, because it can be cheaply shortened at the front. */
  readonly #messages = new Set<RememberedMessage>();
  #bytes = 0;

  /**
   * @param countMax most messages
   * @param bytesMax most octets of messages, overhead included; one that is larger by itself leaves nothing
   */
  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#messages.size;
  }

  /** Octets of memory that the messages take, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Remembers a copy of `message` and forgets the oldest ones beyond the limits. */
  add(message: Message, routingKeys: readonly string[]): void {
    const bytes = bytesOf(message);
    this.#shorten(this.#countMax - 1, this.#bytesMax - bytes);
    if (bytes > this.#bytesMax) return;
    this.#messages.add({ message: copyOf(message), routingKeys });
    this.#bytes += bytes;
  }

  /** From the oldest to the latest. */
  [Symbol.iterator](): Iterator<RememberedMessage> {
    return this.#messages.values();
  }

  #shorten(countMax: number, bytesMax: number): void {
    for (const oldest of this.#messages) {
      if (this.#messages.size <= countMax && this.#bytes <= bytesMax) return;
      this.#messages.delete(oldest);
      this.#bytes -= bytesOf(oldest.message);
    }
  }
}

/** A copy in memory of its own: a small buffer would keep the whole pool alive that Node took it from. */
function copyOf(message: Message): Message {
  const copy = message.detached();
  const octets = Buffer.allocUnsafeSlow(copy.buffer.length);
  copy.buffer.copy(octets);
  copy.buffer = octets;
  return copy;
}

function bytesOf(message: Message): number {
  const addressBytes = message.addressEnd - message.addressStart;
  return addressBytes + message.contentEnd - message.contentStart + MESSAGE_OVERHEAD_BYTES;
}
