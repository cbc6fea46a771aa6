// Hot file: every transfer passes here.

import type { UnfinishedBudget } from "../../core/unfinished-budget.ts";
import type { Fields } from "../codec/fields.ts";
import type { Performative } from "../codec/performatives.ts";
import { echo, encodeValue, readValue, type Typed } from "../codec/types.ts";
import { Amqp10Error } from "../error-condition.ts";

/** A message that has come whole, or has been given up. */
export interface IncomingDelivery {
  readonly deliveryId: number;
  readonly deliveryTag: Buffer;
  readonly settled: boolean;
  readonly state: Typed | undefined;
  /** The client has sent it before, on a link that it has resumed. */
  readonly resumed: boolean;
  /** The client has given it up; there are no octets. */
  readonly aborted: boolean;
  readonly octets: Buffer;
}

interface Unfinished {
  readonly deliveryId: number;
  readonly deliveryTag: Buffer;
  readonly resumed: boolean;
  settled: boolean;
  state: Typed | undefined;
  stateBytes: number;
  /** What has come so far, and room for more. */
  octets: Buffer;
  bytes: number;
}

const NO_OCTETS = Buffer.alloc(0);
/** Part 2.8.7. */
const TAG_BYTES_MAX = 32;

/** Puts the transfers of one delivery together. Source: AMQP 1.0, part 2.7.5. */
export class DeliveryAssembler {
  readonly #messageBytesMax: number;
  readonly #budget: UnfinishedBudget;
  #unfinished: Unfinished | undefined;

  constructor(messageBytesMax: number, budget: UnfinishedBudget) {
    this.#messageBytesMax = messageBytesMax;
    this.#budget = budget;
  }

  /**
   * Takes a transfer; returns the delivery when it is complete or aborted.
   *
   * @throws Amqp10Error amqp:link:message-size-exceeded, or amqp:invalid-field for what contradicts an earlier transfer
   */
  take({ fields, payloadStart }: Performative, buffer: Buffer, end: number): IncomingDelivery | undefined {
    const payload = buffer.subarray(payloadStart, end);
    const deliveryId = fields.number(1);
    const more = fields.flag(5);
    if (this.#unfinished === undefined && !more) {
      this.#checkSize(payload.length);
      const aborted = fields.flag(9);
      return {
        deliveryId: required(deliveryId),
        deliveryTag: tagOf(fields),
        settled: fields.flag(4),
        state: fields.get(7),
        resumed: fields.flag(8),
        aborted,
        octets: aborted ? NO_OCTETS : payload,
      };
    }
    const unfinished = this.#unfinished ?? this.#begin(required(deliveryId), tagOf(fields), fields.flag(8));
    if (deliveryId !== undefined && deliveryId !== unfinished.deliveryId) {
      throw new Amqp10Error(
        "amqp:invalid-field",
        `delivery ${unfinished.deliveryId} is not complete, but a transfer has delivery-id ${deliveryId}`,
      );
    }
    if (fields.flag(9)) {
      this.abandon();
      return { ...unfinished, aborted: true, octets: NO_OCTETS };
    }
    return this.#add(unfinished, payload, fields.flag(4), fields.get(7), more);
  }

  /** Forgets what has come so far. */
  abandon(): void {
    if (this.#unfinished !== undefined) this.#budget.giveBack(this.#unfinished.bytes + this.#unfinished.stateBytes);
    this.#unfinished = undefined;
  }

  #begin(deliveryId: number, deliveryTag: Buffer, resumed: boolean): Unfinished {
    this.#unfinished = {
      deliveryId,
      // What is read from the socket is not to be kept alive until the last part has come.
      deliveryTag: Buffer.from(deliveryTag),
      resumed,
      settled: false,
      state: undefined,
      stateBytes: 0,
      octets: NO_OCTETS,
      bytes: 0,
    };
    return this.#unfinished;
  }

  #add(
    unfinished: Unfinished,
    payload: Buffer,
    settled: boolean,
    state: Typed | undefined,
    more: boolean,
  ): IncomingDelivery | undefined {
    this.#checkSize(unfinished.bytes + payload.length);
    this.#budget.take(payload.length);
    append(unfinished, payload);
    unfinished.settled ||= settled;
    if (state !== undefined) this.#keepState(unfinished, state);
    if (more) return undefined;
    const octets = unfinished.octets.subarray(0, unfinished.bytes);
    this.abandon();
    return { ...unfinished, aborted: false, octets };
  }

  /** A copy of it, for the same reason. */
  #keepState(unfinished: Unfinished, state: Typed): void {
    const octets = encodeValue(echo(state));
    this.#budget.take(octets.length - unfinished.stateBytes);
    unfinished.stateBytes = octets.length;
    unfinished.state = readValue(octets, 0);
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.#messageBytesMax) return;
    throw new Amqp10Error(
      "amqp:link:message-size-exceeded",
      `message size (${bytes} bytes) > maximum message size (${this.#messageBytesMax} bytes)`,
    );
  }
}

/** In one buffer that doubles: parts may have no octets, or one, and come in any number. */
function append(unfinished: Unfinished, payload: Buffer): void {
  const bytes = unfinished.bytes + payload.length;
  if (bytes > unfinished.octets.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * unfinished.octets.length));
    unfinished.octets.copy(larger, 0, 0, unfinished.bytes);
    unfinished.octets = larger;
  }
  payload.copy(unfinished.octets, unfinished.bytes);
  unfinished.bytes = bytes;
}

function required(deliveryId: number | undefined): number {
  if (deliveryId === undefined) throw new Amqp10Error("amqp:invalid-field", "a transfer has no delivery-id");
  return deliveryId;
}

function tagOf(fields: Fields): Buffer {
  const tag = fields.octets(2) ?? NO_OCTETS;
  if (tag.length > TAG_BYTES_MAX) {
    throw new Amqp10Error("amqp:invalid-field", `a delivery-tag has ${tag.length} octets, more than ${TAG_BYTES_MAX}`);
  }
  return tag;
}
