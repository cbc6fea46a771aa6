import { encodeContent } from "../wire/content.ts";
import { encodeMethodFrame } from "../wire/method-codec.ts";
import { encodeProperties, type Properties } from "../wire/properties.ts";
import type { Outgoing } from "./outgoing.ts";

/** Where a message goes. */
export interface PublishAddress {
  /** The default exchange, whose routing keys are queue names, unless told. */
  readonly exchange?: string;
  readonly routingKey: string;
  /** Asks for the message back when no queue takes it. */
  readonly mandatory?: boolean;
}

/** Sends messages with the same address and properties, which are encoded only once. */
export class Publisher {
  readonly #outgoing: Outgoing;
  readonly #channel: number;
  readonly #method: Buffer;
  readonly #properties: Buffer;
  readonly #frameBytesMax: number;
  readonly #count: () => number;

  /** @param count called for every publish; gives its sequence number */
  constructor(
    outgoing: Outgoing,
    channel: number,
    frameBytesMax: number,
    address: PublishAddress,
    properties: Properties,
    count: () => number,
  ) {
    const { exchange = "", routingKey, mandatory = false } = address;
    this.#outgoing = outgoing;
    this.#channel = channel;
    this.#method = encodeMethodFrame(channel, "basic.publish", { exchange, routingKey, mandatory, immediate: false });
    this.#properties = encodeProperties(properties);
    this.#frameBytesMax = frameBytesMax;
    this.#count = count;
  }

  /** Sends a message. Returns its sequence number, from 1, in confirm mode; else 0. @throws when the channel is closed */
  publish(body: Uint8Array): number {
    const deliveryTag = this.#count();
    const octets = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#outgoing.write(this.#method);
    this.#outgoing.writeOnChannel(encodeContent(this.#properties, octets, this.#frameBytesMax), this.#channel);
    return deliveryTag;
  }
}
