// Hot file: every WebSocket message, in and out, goes through here.

import { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/** Close codes of RFC 6455, section 7.4.1. */
const NORMAL_CLOSURE = 1000;
const UNSUPPORTED_DATA = 1003;
const ABNORMAL_CLOSURE = 1006;

const BINARY = { binary: true } as const;

/** Messages smaller than this are joined with those that come with them: a copy costs less than an event for each. */
const JOINED_BYTES_MAX = 8 * 1024;

/**
 * A WebSocket as a stream of octets: every write is a binary message, and messages are read as if they were joined.
 * A side that does not read holds the other one back, as with a socket. Text is refused.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;
  /** Small messages of one read of the socket. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  readonly #pushGathered = (): void => this.#endRead();

  /** @param below the stream that the WebSocket is spoken on */
  constructor(socket: WebSocket, below: Duplex) {
    super({ decodeStrings: false });
    this.#socket = socket;
    socket.binaryType = "nodebuffer";
    socket.on("message", (data, isBinary) => this.#received(data as Buffer, isBinary));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", (code) => {
      this.#endRead();
      // A connection that was cut, not ended, is over even while nobody reads, as with a socket.
      if (code === ABNORMAL_CLOSURE && !below.readableEnded) this.destroy();
      else this.push(null);
    });
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(octets, BINARY, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const last = chunks.length - 1;
    for (let index = 0; index < last; index++) this.#socket.send((chunks[index] as { chunk: Buffer }).chunk, BINARY);
    this.#socket.send((chunks[last] as { chunk: Buffer }).chunk, BINARY, done);
  }

  /** Begins the closing handshake; ws sees to it that it does not take for ever. */
  override _final(done: () => void): void {
    this.#socket.close(NORMAL_CLOSURE);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What ws has found wrong it tells the client in a close frame, which is to be sent yet.
    if (error === null || this.#socket.readyState === this.#socket.OPEN) this.#socket.terminate();
    done(error);
  }

  #received(data: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      this.#socket.close(UNSUPPORTED_DATA, "binary messages only");
    } else if (data.length < JOINED_BYTES_MAX) {
      if (this.#gathered.length === 0) process.nextTick(this.#pushGathered);
      this.#gathered.push(data);
      this.#gatheredBytes += data.length;
    } else {
      this.#endRead();
      this.#push(data);
    }
  }

  /** ws hands over the messages of one read of the socket in one go. */
  #endRead(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#push(gathered.length === 1 ? (gathered[0] as Buffer) : Buffer.concat(gathered, this.#gatheredBytes));
    this.#gatheredBytes = 0;
  }

  #push(octets: Buffer): void {
    if (!this.push(octets)) this.#socket.pause();
  }
}
