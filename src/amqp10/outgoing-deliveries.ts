// Hot file: every message that is delivered is sent and settled here.

import type { Outcome } from "../core/session/transaction.ts";
import type { FieldTable } from "../wire/field-table.ts";
import type { Fields } from "./codec/fields.ts";
import type { Typed } from "./codec/types.ts";
import { knownDeliveryIds } from "./delivery-ids.ts";
import { type DeliveryState, outcomeState, readState } from "./outcome.ts";
import type { SessionHost, SettlingSession } from "./session-host.ts";
import { TRANSFER_BYTES_MAX, writeTransfer } from "./transfer.ts";

/** Who has sent a delivery and is told what became of it. */
export interface DeliverySender {
  readonly handle: number;
  /** The outcome when the client settles without one. */
  readonly defaultOutcome: Outcome;
  /** Ends the delivery. `headers`: what a client that gives it back wants it to say from now on. */
  settled(deliveryTag: number, outcome: Outcome, headers: FieldTable | undefined): void;
}

/** A delivery that the client has not settled. */
export interface OutgoingDelivery {
  readonly sender: DeliverySender;
  /** The core session's name for it. */
  readonly deliveryTag: number;
}

/** An outcome that waits for its transaction. */
export interface HeldOutcome {
  readonly delivery: OutgoingDelivery;
  readonly deliveryId: number;
  readonly outcome: Outcome;
  readonly headers: FieldTable | undefined;
  /** The client has settled the delivery; otherwise it waits for us to. */
  readonly settled: boolean;
}

/** A session as its deliveries see it. */
export interface DeliverySession extends SettlingSession {
  readonly transactions: {
    holdOutcome(transactionId: Buffer, held: HeldOutcome): void;
    settleHeld(delivery: OutgoingDelivery, outcome: Outcome | undefined): boolean;
  };
}

/** Of two ids that are farther apart the first is the later one: part 2.8.10. */
const ID_DISTANCE_MAX = 0x7fff_ffff;

interface WaitingTransfer {
  readonly sender: DeliverySender;
  readonly performative: Buffer;
  readonly payload: Buffer;
}

/** The deliveries from us to the client on one session: the window they are sent in, and what became of them. */
export class OutgoingDeliveries {
  nextTransferId: number;
  readonly #host: SessionHost;
  readonly #channel: number;
  #nextDeliveryId: number;
  /** Transfers the client still takes. */
  #window: number;
  /** Transfers that wait for the window to open, in order. */
  #waiting: WaitingTransfer[] = [];
  readonly #unsettled = new Map<number, OutgoingDelivery>();

  /** @param firstId of transfers and of deliveries */
  constructor(host: SessionHost, channel: number, window: number, firstId = 0) {
    this.nextTransferId = firstId;
    this.#nextDeliveryId = firstId;
    this.#host = host;
    this.#channel = channel;
    this.#window = window;
  }

  /** False while nothing more should be sent. */
  get writable(): boolean {
    return this.#window > 0 && this.#waiting.length === 0 && !this.#tooMuchWaits && this.#host.output.writable;
  }

  /** Sends a message, in as many transfers as it takes. `deliveryTag` is undefined for one that is settled already. */
  send(sender: DeliverySender, payload: Buffer, deliveryTag: number | undefined): void {
    const deliveryId = this.#nextDeliveryId;
    this.#nextDeliveryId = (deliveryId + 1) >>> 0;
    if (deliveryTag !== undefined) this.#unsettled.set(deliveryId, { sender, deliveryTag });
    const settled = deliveryTag === undefined;
    const payloadMax = this.#host.frameBytesMax - TRANSFER_BYTES_MAX;
    let start = 0;
    do {
      const end = Math.min(start + payloadMax, payload.length);
      const more = end < payload.length;
      const part = start === 0 && !more ? payload : payload.subarray(start, end);
      this.#transfer({ sender, performative: writeTransfer(sender.handle, deliveryId, settled, more), payload: part });
      start = end;
    } while (start < payload.length);
  }

  /** The client's flow: how much more it takes. */
  takeFlow(flow: Fields): void {
    const nextIncomingId = flow.number(0) ?? 0;
    const taken = (this.nextTransferId - nextIncomingId) >>> 0;
    this.#window = Math.max(0, flow.requiredNumber(1) - taken);
    let sent = 0;
    while (this.#window > 0 && sent < this.#waiting.length) this.#write(this.#waiting[sent++] as WaitingTransfer);
    if (sent > 0) this.#taken(this.#waiting.splice(0, sent));
  }

  /**
   * The client's disposition of deliveries `first` to `last`.
   *
   * @throws Amqp10Error or BrokerError
   */
  takeDisposition(
    session: DeliverySession,
    first: number,
    last: number,
    settled: boolean,
    state: Typed | undefined,
  ): void {
    const decided = readState(state);
    if (!settled && decided.outcome === undefined) return;
    const sent = (this.#nextDeliveryId - first) >>> 0;
    // None of them has been sent: no need to look at all that are unsettled.
    if (sent === 0 || sent > ID_DISTANCE_MAX) return;
    const told: number[] = [];
    for (const deliveryId of knownDeliveryIds(this.#unsettled, first, last)) {
      const delivery = this.#unsettled.get(deliveryId) as OutgoingDelivery;
      if (settled) this.#unsettled.delete(deliveryId);
      if (!this.#decide(session, deliveryId, delivery, decided, settled) || settled) continue;
      this.#unsettled.delete(deliveryId);
      told.push(deliveryId);
    }
    const { outcome } = decided;
    if (told.length === 0 || outcome === undefined) return;
    // The client forgets a delivery when it hears that it is settled.
    session.host.replies.whenDurable(() => tellSettled(session, told, outcome));
  }

  /** A delivery is over that the client has not settled: it is to be told. False when its link is gone. */
  ended(deliveryId: number): boolean {
    return this.#unsettled.delete(deliveryId);
  }

  /** Forgets the deliveries of a link that is over, those included that wait to be sent. */
  forget(sender: DeliverySender): void {
    const waiting = this.#waiting;
    if (waiting.length > 0) {
      this.#waiting = waiting.filter((transfer) => transfer.sender !== sender);
      this.#taken(waiting.filter((transfer) => transfer.sender === sender));
    }
    for (const [deliveryId, delivery] of this.#unsettled) {
      if (delivery.sender === sender) this.#unsettled.delete(deliveryId);
    }
  }

  close(): void {
    this.#unsettled.clear();
    this.#taken(this.#waiting.splice(0));
  }

  /** False when a transaction has the outcome: the delivery is over when that is. */
  #decide(
    session: DeliverySession,
    deliveryId: number,
    delivery: OutgoingDelivery,
    { outcome, headers, transactionId }: DeliveryState,
    settled: boolean,
  ): boolean {
    const { sender, deliveryTag } = delivery;
    const decision = outcome ?? sender.defaultOutcome;
    if (transactionId !== undefined) {
      session.transactions.holdOutcome(transactionId, { delivery, deliveryId, outcome: decision, headers, settled });
      return false;
    }
    if (session.transactions.settleHeld(delivery, outcome)) return false;
    sender.settled(deliveryTag, decision, headers);
    return true;
  }

  #transfer(transfer: WaitingTransfer): void {
    if (this.#window > 0 && this.#waiting.length === 0) this.#write(transfer);
    else this.#wait(transfer);
  }

  #wait(transfer: WaitingTransfer): void {
    this.#waiting.push(transfer);
    this.#host.waitingBytes += transfer.payload.length;
  }

  /** These wait no more. */
  #taken(transfers: readonly WaitingTransfer[]): void {
    if (transfers.length === 0) return;
    const couldNot = this.#tooMuchWaits;
    for (const { payload } of transfers) this.#host.waitingBytes -= payload.length;
    if (couldNot && !this.#tooMuchWaits) this.#host.waitingTaken();
  }

  /** Each session begins one message more than its window has room for: all together are limited as the outbox is. */
  get #tooMuchWaits(): boolean {
    return this.#host.waitingBytes >= this.#host.broker.limits.outboxBytesMax;
  }

  #write({ performative, payload }: WaitingTransfer): void {
    this.nextTransferId = (this.nextTransferId + 1) >>> 0;
    this.#window--;
    this.#host.output.frame(this.#channel, performative, payload);
  }
}

/** Tells the client that deliveries which it has not settled are over, neighbours together. */
export function tellSettled(session: SettlingSession, deliveryIds: readonly number[], outcome: Outcome): void {
  const state = outcomeState(outcome);
  let first = 0;
  for (let index = 1; index <= deliveryIds.length; index++) {
    const last = deliveryIds[index - 1] as number;
    if (deliveryIds[index] === (last + 1) >>> 0) continue;
    session.settle(false, deliveryIds[first] as number, last, state);
    first = index;
  }
}
