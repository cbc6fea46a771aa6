/** Of more messages than this at a time it is not counted. */
const MESSAGES_MAX = 100_000;

/**
 * How often consumers have failed on the messages of a classic queue, as long as they are there. AMQP 1.0 tells receivers;
 * 0-9-1 has no word for it, and a restart forgets it, both as in RabbitMQ.
 */
export class FailureCounts {
  readonly #counts = new Map<number, number>();

  get(sequence: number): number {
    return this.#counts.get(sequence) ?? 0;
  }

  hasFailed(sequence: number): boolean {
    return this.#counts.has(sequence);
  }

  failed(sequence: number): void {
    const count = this.#counts.get(sequence);
    if (count !== undefined || this.#counts.size < MESSAGES_MAX) this.#counts.set(sequence, (count ?? 0) + 1);
  }

  /** The message is settled. */
  forget(sequence: number): void {
    this.#counts.delete(sequence);
  }

  /** Forgets the messages that are not to be kept. */
  keepOnly(isKept: (sequence: number) => boolean): void {
    for (const sequence of this.#counts.keys()) if (!isKept(sequence)) this.#counts.delete(sequence);
  }
}
