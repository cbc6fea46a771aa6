// Hot file: every message that a client sends passes here.

import type { Message } from "../core/message.ts";
import type { SessionOutput } from "../core/session/contract.ts";
import type { Session as CoreSession } from "../core/session/session.ts";
import { assert } from "../lib/assert.ts";
import type { Typed } from "./codec/types.ts";
import { Amqp10Error } from "./error-condition.ts";
import { acceptedState, rejectedState, releasedState } from "./outcome.ts";
import type { UnsettledDelivery } from "./link/unsettled-deliveries.ts";
import type { SettlingSession } from "./session-host.ts";

/** A message on its way into the queues. */
interface Publish {
  readonly delivery: UnsettledDelivery;
  /** It is accepted even if nobody is there to get it. */
  readonly isTopic: boolean;
  /** Nothing has taken it. */
  returned: boolean;
}

/** Publishes what the clients of one session send, and tells them, in that order, what became of it. */
export class Publisher implements SessionOutput {
  readonly #session: SettlingSession;
  #core: CoreSession | undefined;
  /** What has been published and not been told, in order. The first has sequence number `#told` + 1. */
  #publishes: Publish[] = [];
  #told = 0;
  #current: Publish | undefined;

  constructor(session: SettlingSession) {
    this.#session = session;
  }

  readonly writable = true;

  /**
   * Publishes a message; its link is told what has become of it, be it that the session has ended before.
   *
   * @param isTopic it is accepted even if nobody is there to get it
   * @throws BrokerError; nothing has been published then, and nobody is told
   */
  publish(message: Message, delivery: UnsettledDelivery, isTopic: boolean): void {
    const core = this.#core ?? this.#open();
    const publish = { delivery, isTopic, returned: false };
    this.#current = publish;
    this.#session.host.published = true;
    core.publish(message, true);
    this.#publishes.push(publish);
  }

  close(): void {
    this.#core?.close();
  }

  // --- SessionOutput ---

  returned(): void {
    if (this.#current !== undefined) this.#current.returned = !this.#current.isTopic;
  }

  confirmed(publishSequence: number): void {
    this.#tell(publishSequence, undefined);
  }

  refused(publishSequence: number): void {
    this.#tell(
      publishSequence,
      new Amqp10Error("amqp:resource-limit-exceeded", "a queue refused the message or could not store it"),
    );
  }

  deliver(): void {
    assert(false, "a session that publishes has no consumers");
  }

  consumerCancelled(): void {}

  consumerTimedOut(): void {}

  #open(): CoreSession {
    const { broker, identity } = this.#session.host;
    this.#core = broker.openSession(identity, this);
    this.#core.selectConfirms();
    return this.#core;
  }

  /** Tells the outcome of everything up to `publishSequence`, neighbours of one outcome together. */
  #tell(publishSequence: number, refusal: Amqp10Error | undefined): void {
    const publishes = this.#publishes.splice(0, publishSequence - this.#told);
    this.#told = publishSequence;
    let first = 0;
    while (first < publishes.length) {
      let last = first;
      while (last + 1 < publishes.length && isNext(publishes[last] as Publish, publishes[last + 1] as Publish)) last++;
      this.#tellOf(publishes, first, last, refusal);
      first = last + 1;
    }
    for (const { delivery } of publishes) delivery.link.decided(delivery);
  }

  /** Tells of neighbours that have become the same. */
  #tellOf(publishes: readonly Publish[], first: number, last: number, refusal: Amqp10Error | undefined): void {
    const { delivery } = publishes[first] as Publish;
    const state = stateOf(publishes[first] as Publish, refusal);
    for (let index = first; index <= last; index++) (publishes[index] as Publish).delivery.state = state;
    if (!delivery.settled) {
      delivery.link.tell(delivery.deliveryId, (publishes[last] as Publish).delivery.deliveryId, state);
    }
  }
}

function isNext({ delivery, returned }: Publish, next: Publish): boolean {
  return (
    next.delivery.deliveryId === (delivery.deliveryId + 1) >>> 0 &&
    next.delivery.link === delivery.link &&
    next.delivery.settled === delivery.settled &&
    next.returned === returned
  );
}

function stateOf({ returned }: Publish, refusal: Amqp10Error | undefined): Typed {
  if (refusal !== undefined) return rejectedState(refusal);
  return returned ? releasedState() : acceptedState();
}
