/** Longest beginning of a frame that is kept from one read to the next; longer than any method of a broker. */
export const KEPT_BYTES_MAX = 64 * 1024;

const READ_BYTES = 256 * 1024;

/**
 * The memory into which every connection of a run reads: what one has received is looked through before another
 * reads, so that all of them share what stays in the processor's cache. Octets kept from the previous read are put in
 * front of those of the next one.
 */
export class ReadMemory {
  readonly octets: Buffer = Buffer.allocUnsafeSlow(KEPT_BYTES_MAX + READ_BYTES);
  /** The part that sockets read into. */
  readonly target: Buffer = this.octets.subarray(KEPT_BYTES_MAX);
}
