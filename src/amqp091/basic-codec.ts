// Hot file: publishes, acknowledgements and confirms are read and written here by hand.

import { FRAME_END, FRAME_HEAD_BYTES, FRAME_METHOD } from "../wire/frame.ts";
import { decodeArguments } from "../wire/method-codec.ts";
import { METHODS } from "../wire/methods.ts";
import type { Outbox } from "./outbox.ts";

const HIGH = 2 ** 32;
const BASIC = METHODS["basic.ack"].classId;
/** Class id, method id, delivery tag, bits. */
const ACKNOWLEDGEMENT_PAYLOAD_BYTES = 13;
/** Delivery tag and bits. */
const ACKNOWLEDGEMENT_ARGUMENT_BYTES = 9;

/**
 * Finds the end of exchange name and routing key in the arguments of a basic.publish; the octet there holds its bits.
 *
 * @throws WireError when the arguments do not fill `start` to `end`
 */
export function readPublishAddress(buffer: Buffer, start: number, end: number): number {
  const exchangeAt = start + 2;
  const routingKeyAt = exchangeAt + 1 + (buffer[exchangeAt] as number);
  const addressEnd = routingKeyAt + 1 + (buffer[routingKeyAt] as number);
  if (addressEnd + 1 !== end) decodeArguments(METHODS["basic.publish"], buffer, start, end);
  return addressEnd;
}

/** @throws WireError when the arguments of a basic.ack do not fill `start` to `end`, or the tag is beyond counting */
export function checkAcknowledgement(buffer: Buffer, start: number, end: number): void {
  if (end - start === ACKNOWLEDGEMENT_ARGUMENT_BYTES && buffer[start] === 0 && (buffer[start + 1] as number) < 0x20) {
    return;
  }
  decodeArguments(METHODS["basic.ack"], buffer, start, end);
}

/** The delivery tag at `offset`. */
export function readDeliveryTag(buffer: Buffer, offset: number): number {
  return buffer.readUInt32BE(offset) * HIGH + buffer.readUInt32BE(offset + 4);
}

/** Writes a basic.ack or basic.nack, which differ in the method id alone. */
export function writeAcknowledgement(
  outbox: Outbox,
  channelNumber: number,
  methodId: number,
  deliveryTag: number,
  multiple: boolean,
): void {
  const start = outbox.reserve(FRAME_HEAD_BYTES + ACKNOWLEDGEMENT_PAYLOAD_BYTES + 1);
  const { buffer } = outbox;
  let offset = buffer.writeUInt8(FRAME_METHOD, start);
  offset = buffer.writeUInt16BE(channelNumber, offset);
  offset = buffer.writeUInt32BE(ACKNOWLEDGEMENT_PAYLOAD_BYTES, offset);
  offset = buffer.writeUInt16BE(BASIC, offset);
  offset = buffer.writeUInt16BE(methodId, offset);
  offset = buffer.writeUInt32BE(Math.floor(deliveryTag / HIGH), offset);
  offset = buffer.writeUInt32BE(deliveryTag >>> 0, offset);
  offset = buffer.writeUInt8(multiple ? 1 : 0, offset);
  buffer.writeUInt8(FRAME_END, offset);
}
