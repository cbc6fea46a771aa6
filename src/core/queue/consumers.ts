import type { Consumer } from "./consumer.ts";

/** The consumers of a queue, and whose turn it is. */
export interface Consumers extends Iterable<Consumer> {
  readonly size: number;
  /** True unless it is known that no consumer is ready. */
  readonly mayBeReady: boolean;
  add(consumer: Consumer): void;
  /** Removes a consumer; false when it was not here. */
  remove(consumer: Consumer): boolean;
  /** A consumer may have become ready. */
  wake(): void;
  /** The consumer that gets the next message; undefined when none is ready. */
  next(): Consumer | undefined;
  /** The consumer that {@link next} has just returned did not get the message: it is its turn again. */
  keepTurn(consumer: Consumer): void;
  /** Whether a further consumer, exclusive or not, cannot be let in. */
  refuses(exclusive: boolean): boolean;
}
