import { Duplex } from "node:stream";

/** Two streams joined back to back: what is written to one is read from the other. */
export function duplexPair(): [Duplex, Duplex] {
  const one = new PairEnd();
  const other = new PairEnd();
  one.join(other);
  other.join(one);
  return [one, other];
}

/** Behaves as a socket does: backpressure reaches the writer, and a destroyed end closes the other one too. */
class PairEnd extends Duplex {
  private peer: PairEnd | undefined;
  /** Completes the peer's write once this end has been read. */
  private resumePeer: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: false });
  }

  join(peer: PairEnd): void {
    this.peer = peer;
  }

  override _read(): void {
    const resume = this.resumePeer;
    this.resumePeer = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const peer = this.peer as PairEnd;
    // Bytes for an end that is gone are lost, as they are on a network.
    // A copy, as a socket makes: the writer may use its buffer again, read or not.
    if (peer.destroyed || peer.push(Buffer.from(chunk))) setImmediate(done);
    else peer.resumePeer = done;
  }

  override _final(done: () => void): void {
    this.peer?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.peer as PairEnd;
    if (!peer.readableEnded && !peer.destroyed) peer.push(null);
    const resume = this.resumePeer;
    this.resumePeer = undefined;
    resume?.();
    done(error);
  }
}
