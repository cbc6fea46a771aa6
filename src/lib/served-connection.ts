/** A connection as its listener sees it, whatever it speaks. */
export interface ServedConnection {
  /** Tells the client that the server closes, and why; the connection ends when it has answered, or in a while. */
  close(reason: string): void;
  /** Resolves when the stream is closed and all that belonged to the connection is gone. */
  readonly closed: Promise<void>;
}
