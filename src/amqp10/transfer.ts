// Hot file: one call per message delivered.

/** A transfer with its frame head never takes more octets than this. */
export const TRANSFER_BYTES_MAX = 64;

const DESCRIBED = 0x00;
const SMALL_ULONG = 0x53;
const LIST8 = 0xc0;
const UINT = 0x70;
const UINT0 = 0x43;
const BINARY8 = 0xa0;
const TRUE = 0x41;
const FALSE = 0x42;
const TRANSFER = 0x14;

/** Count of fields, handle, delivery id, delivery tag, message format, settled, more. */
const LIST_BYTES = 1 + 5 + 5 + 6 + 1 + 1 + 1;
const FIELD_COUNT = 6;
const TAG_BYTES = 4;

/** A transfer performative; the delivery's tag is its id. rhea would need an object and a closure for each field. */
export function writeTransfer(handle: number, deliveryId: number, settled: boolean, more: boolean): Buffer {
  const octets = Buffer.allocUnsafe(5 + LIST_BYTES);
  octets[0] = DESCRIBED;
  octets[1] = SMALL_ULONG;
  octets[2] = TRANSFER;
  octets[3] = LIST8;
  octets[4] = LIST_BYTES;
  octets[5] = FIELD_COUNT;
  octets[6] = UINT;
  octets.writeUInt32BE(handle, 7);
  octets[11] = UINT;
  octets.writeUInt32BE(deliveryId, 12);
  octets[16] = BINARY8;
  octets[17] = TAG_BYTES;
  octets.writeUInt32BE(deliveryId, 18);
  octets[22] = UINT0;
  octets[23] = settled ? TRUE : FALSE;
  octets[24] = more ? TRUE : FALSE;
  return octets;
}
