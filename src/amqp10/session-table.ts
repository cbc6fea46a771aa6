import { PERFORMATIVES, type Performative } from "./codec/performatives.ts";
import { Amqp10Error } from "./error-condition.ts";
import { Session } from "./session.ts";
import type { SessionHost } from "./session-host.ts";

/** The sessions of a connection by the channel on which the client sends. We answer on the same one. */
export class SessionTable {
  /** The highest channel number. */
  channelMax = 0;
  readonly #host: SessionHost;
  readonly #sessions = new Map<number, Session>();

  constructor(host: SessionHost) {
    this.#host = host;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values();
  }

  /**
   * Takes a frame for a session; the payload follows the performative up to `end` of `buffer`.
   *
   * @throws Amqp10Error for what ends the connection
   */
  take(channel: number, performative: Performative, buffer: Buffer, end: number): void {
    const session = this.#sessions.get(channel);
    if (performative.code === PERFORMATIVES.begin) {
      if (session !== undefined) throw new Amqp10Error("amqp:not-allowed", `channel ${channel} has a session already`);
      this.#begin(channel, performative);
    } else if (session === undefined) {
      throw new Amqp10Error("amqp:connection:framing-error", `no session on channel ${channel}`);
    } else {
      session.take(performative, buffer, end);
      if (session.ended) this.#remove(channel, session);
    }
  }

  closeAll(): void {
    for (const [channel, session] of [...this.#sessions]) this.#remove(channel, session);
  }

  #begin(channel: number, { fields }: Performative): void {
    if (channel > this.channelMax) {
      throw new Amqp10Error(
        "amqp:connection:framing-error",
        `channel number (${channel}) exceeds maximum channel number (${this.channelMax})`,
      );
    }
    const { broker, identity } = this.#host;
    const { name } = identity.user;
    broker.usage.openChannel(name);
    try {
      this.#sessions.set(channel, new Session(this.#host, channel, fields));
    } catch (error) {
      broker.usage.channelClosed(name);
      throw error;
    }
  }

  #remove(channel: number, session: Session): void {
    this.#sessions.delete(channel);
    session.close();
    this.#host.broker.usage.channelClosed(this.#host.identity.user.name);
  }
}
