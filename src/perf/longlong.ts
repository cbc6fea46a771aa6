// Hot file: runs for every message that is stamped and every acknowledgement.

/** Writes a non-negative integer as AMQP's `longlong`: eight octets, the highest first. */
export function writeLonglong(octets: Buffer, at: number, value: number): void {
  octets.writeUInt32BE(Math.floor(value / 0x100000000), at);
  octets.writeUInt32BE(value >>> 0, at + 4);
}
