import { randomBytes } from "node:crypto";
import type { Message } from "../core/message.ts";
import type { SessionOutput } from "../core/session/contract.ts";
import type { Session as CoreSession } from "../core/session/session.ts";
import type { Outcome } from "../core/session/transaction.ts";
import { assert } from "../lib/assert.ts";
import { Amqp10Error } from "./error-condition.ts";
import {
  type DeliverySender,
  type HeldOutcome,
  type OutgoingDeliveries,
  type OutgoingDelivery,
  tellSettled,
} from "./outgoing-deliveries.ts";
import type { SettlingSession } from "./session-host.ts";

const ID_BYTES = 16;
/** Transactions that one session may have open. */
const OPEN_MAX = 64;
/** Outcomes that one transaction may hold. */
const OUTCOMES_MAX = 1_000_000;

/** A session as its transactions see it. */
export interface TransactionSession extends SettlingSession {
  readonly outgoing: OutgoingDeliveries;
}

interface OpenTransaction {
  readonly core: CoreSession;
  readonly outcomes: Map<OutgoingDelivery, HeldOutcome>;
  /** A message of it could not be published: it can only be rolled back. */
  failed: boolean;
}

function heldAlready(): Amqp10Error {
  return new Amqp10Error("amqp:illegal-state", "a transaction has the delivery's outcome already");
}

/** What a core session that only publishes has to say: nothing, its transaction answers for it. */
const SILENT: SessionOutput = {
  writable: true,
  deliver: () => assert(false, "a session that publishes has no consumers"),
  returned: () => {},
  consumerCancelled: () => {},
  consumerTimedOut: () => {},
  confirmed: () => {},
  refused: () => {},
};

/**
 * The local transactions of a session. Each has a core session in tx mode for what is published; what is acknowledged
 * waits here and is carried out in the same turn, and so in the same commit of the store. Source: AMQP 1.0, part 4.
 */
export class Transactions {
  readonly #session: TransactionSession;
  readonly #open = new Map<string, OpenTransaction>();
  /** The transaction that holds the outcome of a delivery. */
  readonly #holders = new Map<OutgoingDelivery, OpenTransaction>();
  /** Of how many of a link's deliveries outcomes are held. */
  readonly #heldCounts = new Map<DeliverySender, number>();
  /** Links that are over and have deliveries whose outcomes are held. */
  readonly #waiting = new Map<DeliverySender, () => void>();

  constructor(session: TransactionSession) {
    this.#session = session;
  }

  /** Begins a transaction and returns its id. @throws Amqp10Error when there are too many */
  declare(): Buffer {
    if (this.#open.size >= OPEN_MAX) {
      throw new Amqp10Error("amqp:resource-limit-exceeded", `more than ${OPEN_MAX} transactions are open`);
    }
    const { broker, identity } = this.#session.host;
    const core = broker.openSession(identity, SILENT);
    core.selectTransactions();
    const id = randomBytes(ID_BYTES);
    this.#open.set(id.toString("hex"), { core, outcomes: new Map(), failed: false });
    return id;
  }

  /** @throws Amqp10Error for an unknown transaction; BrokerError for what cannot be published */
  publish(transactionId: Buffer, message: Message): void {
    this.#session.host.published = true;
    this.#require(transactionId).core.publish(message, false);
  }

  /** Something of a transaction, if there is one, has gone wrong: it can only be rolled back. */
  fail(transactionId: Buffer): void {
    const transaction = this.#open.get(transactionId.toString("hex"));
    if (transaction !== undefined) transaction.failed = true;
  }

  /**
   * Holds an outcome, in place of an earlier one of the same delivery.
   *
   * @throws Amqp10Error for an unknown transaction, one that holds too much, or a delivery that another one holds
   */
  holdOutcome(transactionId: Buffer, held: HeldOutcome): void {
    const transaction = this.#require(transactionId);
    const { outcomes } = transaction;
    const { delivery } = held;
    const holder = this.#holders.get(delivery);
    if (holder !== undefined && holder !== transaction) throw heldAlready();
    if (holder === undefined && outcomes.size >= OUTCOMES_MAX) {
      throw new Amqp10Error("amqp:resource-limit-exceeded", `a transaction holds more than ${OUTCOMES_MAX} outcomes`);
    }
    outcomes.set(delivery, held);
    if (holder !== undefined) return;
    this.#holders.set(delivery, transaction);
    this.#heldCounts.set(delivery.sender, (this.#heldCounts.get(delivery.sender) ?? 0) + 1);
  }

  /**
   * The client settles a delivery outside of any transaction: false when none holds its outcome.
   *
   * @throws Amqp10Error when one does, and the client says another
   */
  settleHeld(delivery: OutgoingDelivery, outcome: Outcome | undefined): boolean {
    const outcomes = this.#holders.get(delivery)?.outcomes;
    const held = outcomes?.get(delivery);
    if (outcomes === undefined || held === undefined) return false;
    if (outcome !== undefined) throw heldAlready();
    outcomes.set(delivery, { ...held, settled: true });
    return true;
  }

  /**
   * Carries out all that a transaction holds and calls `done` when it is durable.
   *
   * @throws Amqp10Error for an unknown transaction; BrokerError when it cannot be carried out, and is rolled back then
   */
  commit(transactionId: Buffer, done: () => void): void {
    const transaction = this.#take(transactionId);
    if (transaction.failed) {
      this.#rollBack(transaction);
      this.#letGo();
      throw new Amqp10Error("amqp:transaction:rollback", "a message of the transaction could not be published");
    }
    try {
      transaction.core.commitTransaction(() => {});
    } catch (error) {
      this.#rollBack(transaction);
      this.#letGo();
      throw error;
    }
    this.#release(transaction);
    const told: HeldOutcome[] = [];
    for (const held of transaction.outcomes.values()) {
      const { delivery, deliveryId, outcome, headers, settled } = held;
      delivery.sender.settled(delivery.deliveryTag, outcome, headers);
      if (!settled && this.#session.outgoing.ended(deliveryId)) told.push(held);
    }
    transaction.core.close();
    this.#letGo();
    this.#session.host.replies.whenDurable(() => {
      for (const { deliveryId, outcome } of told) tellSettled(this.#session, [deliveryId], outcome);
      done();
    });
  }

  /** Forgets all that a transaction holds. @throws Amqp10Error for an unknown transaction */
  rollBack(transactionId: Buffer): void {
    this.#rollBack(this.#take(transactionId));
    this.#letGo();
  }

  /**
   * A link is over: calls `then` when no transaction holds outcomes of its deliveries any more.
   *
   * @returns false when there are none; `then` is not called
   */
  afterDischarge(sender: DeliverySender, then: () => void): boolean {
    if (!this.#heldCounts.has(sender)) return false;
    this.#waiting.set(sender, then);
    return true;
  }

  /** Rolls back all there are: the session is over. */
  close(): void {
    for (const transaction of this.#open.values()) this.#rollBack(transaction);
    this.#open.clear();
    this.#letGo();
  }

  /** What the client had settled in the transaction is ready again: the client does not know it any more. */
  #rollBack(transaction: OpenTransaction): void {
    this.#release(transaction);
    transaction.core.close();
    for (const { delivery, settled } of transaction.outcomes.values()) {
      if (settled) delivery.sender.settled(delivery.deliveryTag, "failed", undefined);
    }
  }

  /** Its deliveries are nobody's any more. */
  #release({ outcomes }: OpenTransaction): void {
    for (const delivery of outcomes.keys()) {
      this.#holders.delete(delivery);
      const left = (this.#heldCounts.get(delivery.sender) as number) - 1;
      if (left > 0) this.#heldCounts.set(delivery.sender, left);
      else this.#heldCounts.delete(delivery.sender);
    }
  }

  #letGo(): void {
    for (const [sender, then] of this.#waiting) {
      if (this.#heldCounts.has(sender)) continue;
      this.#waiting.delete(sender);
      then();
    }
  }

  #require(transactionId: Buffer): OpenTransaction {
    const transaction = this.#open.get(transactionId.toString("hex"));
    if (transaction === undefined) throw new Amqp10Error("amqp:transaction:unknown-id", "no such transaction");
    return transaction;
  }

  #take(transactionId: Buffer): OpenTransaction {
    const transaction = this.#require(transactionId);
    this.#open.delete(transactionId.toString("hex"));
    return transaction;
  }
}
