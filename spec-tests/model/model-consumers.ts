import assert from "node:assert/strict";

/** Counts deliveries and changes, to tell what was before what. */
let moment = 0;

/** The session of a consumer, as far as it matters to who gets a message. */
export interface ConsumerSession {
  readonly number: number;
  readonly writable: boolean;
  readonly consumers: Map<string, ModelConsumer>;
}

export interface ModelConsumer {
  readonly tag: string;
  readonly session: ConsumerSession;
  readonly queueName: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly prefetch: number;
  unacked: number;
  /** Of these, how many have been taken back because it took too long. */
  late: number;
  /** When it got its last message. */
  servedAt: number;
  /** When it was last seen unable to take one. */
  notReadyAt: number;
}

export function newConsumer(
  fields: Pick<ModelConsumer, "tag" | "session" | "queueName" | "noAck" | "exclusive" | "priority" | "prefetch">,
): ModelConsumer {
  return { ...fields, unacked: 0, late: 0, servedAt: 0, notReadyAt: ++moment };
}

/** Whether it can take a message now. */
export function isReady({ session, noAck, prefetch, unacked, late }: ModelConsumer): boolean {
  if (!session.writable || noAck) return session.writable;
  if (late > 0) return false;
  return prefetch === 0 || unacked < prefetch;
}

/** Notes who cannot take a message now. */
export function noteReadiness(consumers: Iterable<ModelConsumer>): void {
  for (const consumer of consumers) if (!isReady(consumer)) consumer.notReadyAt = ++moment;
}

/** The consumers of a queue: who may get the next message. */
export class ModelConsumers {
  readonly #isQuorum: boolean;
  readonly #single: boolean;
  /** In order of arrival, but for an active consumer that had to wait again. */
  all: ModelConsumer[] = [];
  /** Of a queue with a single active consumer. */
  #active: ModelConsumer | undefined;

  constructor(isQuorum: boolean, single: boolean) {
    this.#isQuorum = isQuorum;
    this.#single = single;
  }

  /** Reference 1.6: exclusive means one consumer; not on a queue with a single active one, nor on a quorum queue. */
  refuses(exclusive: boolean): boolean {
    if (this.#isQuorum) return false;
    if (this.#single) return exclusive;
    return (exclusive && this.all.length > 0) || this.all.some((consumer) => consumer.exclusive);
  }

  add(consumer: ModelConsumer): void {
    this.all.push(consumer);
    this.#active ??= consumer;
  }

  remove(consumer: ModelConsumer): void {
    this.all.splice(this.all.indexOf(consumer), 1);
    if (consumer === this.#active) this.#active = this.#firstInLine(() => true);
  }

  /** Those of which one gets the next message: of the ready ones those with the highest priority. */
  candidates(): ModelConsumer[] {
    if (this.#single) {
      this.#handOver();
      const active = this.#active;
      return active !== undefined && isReady(active) && this.#successor() === undefined ? [active] : [];
    }
    const ready = this.all.filter(isReady);
    const highest = Math.max(...ready.map(({ priority }) => priority));
    return ready.filter(({ priority }) => priority === highest);
  }

  /** A consumer gets a message: it must be its turn. */
  served(consumer: ModelConsumer): void {
    const candidates = this.candidates();
    assert(candidates.includes(consumer), `it is not ${consumer.tag} who gets the next message`);
    for (const other of candidates) {
      // Whoever could take messages since this one got its last is before it.
      const passedOver = other.notReadyAt < consumer.servedAt && other.servedAt < consumer.servedAt;
      assert(!passedOver, `${consumer.tag} gets a message again before ${other.tag} gets one`);
    }
    consumer.servedAt = ++moment;
  }

  #firstInLine(isMeant: (consumer: ModelConsumer) => boolean, except?: ModelConsumer): ModelConsumer | undefined {
    const waiting = this.all.filter((consumer) => consumer !== except && isMeant(consumer));
    const highest = Math.max(...waiting.map(({ priority }) => priority));
    return waiting.find(({ priority }) => priority === highest);
  }

  /**
   * A consumer that has taken too long is to be replaced; in a quorum queue also one of lower priority than another's.
   */
  #successor(): ModelConsumer | undefined {
    const active = this.#active;
    const first = this.#firstInLine(({ late }) => late === 0, active);
    if (first === undefined || active === undefined) return undefined;
    return active.late > 0 || (this.#isQuorum && first.priority > active.priority) ? first : undefined;
  }

  /** It is when it has nothing left that was not taken back. */
  #handOver(): void {
    const successor = this.#successor();
    const active = this.#active;
    if (successor === undefined || active === undefined || active.unacked > active.late) return;
    this.all.push(...this.all.splice(this.all.indexOf(active), 1));
    this.#active = successor;
  }
}
