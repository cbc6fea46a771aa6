import type { Duplex } from "node:stream";

const NONE = Buffer.alloc(0);

/** What `decide` says while it needs more octets; it must know its mind after a bounded number of them. */
export const MORE_OCTETS = undefined;

/** A decision, and how many of the octets it has used up. */
export interface Decision<T> {
  readonly value: T;
  readonly usedBytes: number;
}

/**
 * Reads from a stream until `decide` has made up its mind about all the octets that have come, puts back those it has
 * not used and hands the stream on, paused: whoever takes it resumes it. A client that ends its side before is dropped.
 */
export function readFirstOctets<T>(
  stream: Duplex,
  decide: (octets: Buffer) => Decision<T> | typeof MORE_OCTETS,
  take: (value: T) => void,
): void {
  let octets: Buffer = NONE;
  const onEnd = (): void => {
    stream.destroy();
  };
  const onData = (chunk: Buffer): void => {
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    const decision = decide(octets);
    if (decision === MORE_OCTETS) return;
    stream.off("data", onData);
    stream.off("end", onEnd);
    stream.pause();
    if (decision.usedBytes < octets.length) stream.unshift(octets.subarray(decision.usedBytes));
    take(decision.value);
  };
  stream.on("data", onData);
  stream.on("end", onEnd);
  stream.resume();
}

/** True while as many octets as there are agree with `prefix`. */
export function startsAlike(octets: Buffer, prefix: Buffer): boolean {
  const bytes = Math.min(octets.length, prefix.length);
  return octets.compare(prefix, 0, bytes, 0, bytes) === 0;
}
