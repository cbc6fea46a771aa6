// Hot file: every message that a client is sent passes here.

import type { Message } from "../../core/message.ts";
import type { Consumer } from "../../core/queue/consumer.ts";
import type { SessionOutput } from "../../core/session/contract.ts";
import type { Session as CoreSession } from "../../core/session/session.ts";
import type { Outcome } from "../../core/session/transaction.ts";
import type { Flushable } from "../../core/turn.ts";
import { assert } from "../../lib/assert.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import type { Fields } from "../codec/fields.ts";
import { encodeOutgoing } from "../conversion/outgoing-message.ts";
import { Amqp10Error } from "../error-condition.ts";
import type { DeliverySender } from "../outgoing-deliveries.ts";
import { type AttachRequest, creditLeft, type Link, type LinkEnd } from "./link.ts";
import type { LinkSession } from "./link-session.ts";

/** What credit does not limit; a stream's consumer cannot do without. */
const PREFETCH_MAX = 0x7fff_ffff;

/** Consumers named so are nobody's in particular: a stream tracks no offset for them. */
const CONSUMER_TAG = "amq.ctag-amqp10";

/** What a client receives on a link. */
export interface Subscription {
  readonly queueName: string;
  /** The client settles nothing: deliveries count as accepted. */
  readonly settled: boolean;
  readonly exclusive: boolean;
  readonly arguments: FieldTable;
  /** A stream keeps its messages and needs them acknowledged one way or another. */
  readonly isStream: boolean;
  /** As that of the link. */
  readonly isDurable: boolean;
  /** Messages it is false of are passed over, and gone from the queue. */
  readonly selects?: ((message: Message) => boolean) | undefined;
  /** Called when the link is over; `closed`: for good. */
  readonly ended?: ((closed: boolean) => void) | undefined;
}

/** A link on which the client receives from a queue. A core session of its own makes its credit the session's. */
export class SendingLink implements Link, SessionOutput, DeliverySender, Flushable {
  readonly name: string;
  readonly handle: number;
  readonly clientReceives = true;
  readonly isDurable: boolean;
  readonly defaultOutcome = "released";
  readonly #session: LinkSession;
  readonly #subscription: Subscription;
  readonly #messageBytesMax: number;
  readonly #core: CoreSession;
  #credit = 0;
  #deliveryCount = 0;
  #draining = false;
  #flushRequested = false;
  /** True when anything has been delivered since the last look. */
  #delivered = false;
  #ended = false;

  constructor(session: LinkSession, request: AttachRequest, subscription: Subscription) {
    const { broker, identity } = session.host;
    this.name = request.name;
    this.handle = request.handle;
    this.#session = session;
    this.#subscription = subscription;
    this.isDurable = subscription.isDurable;
    this.#messageBytesMax = request.messageBytesMax;
    this.#core = broker.openSession(identity, this);
  }

  /** Starts to consume. @throws BrokerError as `Session.consume` of the core; the link is to be thrown away then */
  start(): void {
    const { queueName, settled, exclusive, isStream } = this.#subscription;
    this.#core.setPrefetch(PREFETCH_MAX);
    const request = {
      queueName,
      consumerTag: CONSUMER_TAG,
      noAck: settled && !isStream,
      exclusive,
      arguments: this.#subscription.arguments,
    };
    this.#core.consume(request, () => {});
  }

  takeFlow(flow: Fields): void {
    this.#credit = creditLeft(flow, this.#deliveryCount) ?? this.#credit;
    this.#draining = flow.flag(8);
    this.#core.outputWritable();
    if (this.#draining) this.#requestFlush();
    else if (flow.flag(9)) this.#report();
  }

  takeTransfer(): void {
    throw new Amqp10Error("amqp:not-allowed", "the client is the receiver on this link");
  }

  takeSettlement(): void {}

  outputWritable(): void {
    this.#core.outputWritable();
    if (this.#draining) this.#requestFlush();
  }

  end(how: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#session.outgoing.forget(this);
    this.#core.cancel(CONSUMER_TAG);
    const close = (): void => {
      // As in RabbitMQ: what a client hands back by going is no failure of its.
      if (how !== "lost") this.#core.requeueAll();
      this.#core.close();
    };
    if (!this.#session.transactions.afterDischarge(this, close)) close();
    this.#subscription.ended?.(how === "closed");
  }

  settled(deliveryTag: number, outcome: Outcome, headers: FieldTable | undefined): void {
    this.#core.acknowledge(deliveryTag, false, outcome, headers);
  }

  /** Ends the drain when a turn has passed in which nothing was delivered although there was credit. */
  flush(): void {
    this.#flushRequested = false;
    if (this.#ended || !this.#draining) return;
    // It goes on when the client takes output again.
    if (this.#credit > 0 && !this.#session.outgoing.writable) return;
    if (this.#credit > 0 && this.#delivered) {
      this.#delivered = false;
      this.#requestFlush();
      return;
    }
    this.#deliveryCount = (this.#deliveryCount + this.#credit) >>> 0;
    this.#credit = 0;
    this.#report();
    this.#draining = false;
  }

  // --- SessionOutput ---

  get writable(): boolean {
    return this.#credit > 0 && this.#session.outgoing.writable;
  }

  deliver(_consumer: Consumer, deliveryTag: number, redelivered: boolean, message: Message): void {
    const { settled, isStream, selects } = this.#subscription;
    const isOpen = !settled || isStream;
    if (selects !== undefined && !selects(message)) {
      if (isOpen) this.#core.acknowledge(deliveryTag, false, "accepted");
      return;
    }
    const payload = encodeOutgoing(message, redelivered);
    if (payload.length > this.#messageBytesMax) {
      this.#refuseTooLarge(payload.length);
      if (isOpen) this.#core.acknowledge(deliveryTag, false, "rejected");
      return;
    }
    this.#credit--;
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
    this.#delivered = true;
    this.#session.outgoing.send(this, payload, settled ? undefined : deliveryTag);
    if (settled && isStream) this.#core.acknowledge(deliveryTag, false, "accepted");
  }

  consumerCancelled(): void {
    const { queueName } = this.#subscription;
    const { vhost } = this.#session.host.identity;
    this.#session.failLink(
      this,
      new Amqp10Error("amqp:resource-deleted", `queue '${queueName}' in vhost '${vhost.name}' was deleted`),
    );
  }

  consumerTimedOut(_consumerTag: string | undefined, timeoutMilliseconds: number): void {
    this.#session.failLink(
      this,
      new Amqp10Error(
        "amqp:precondition-failed",
        `delivery acknowledgement on link '${this.name}' timed out. Timeout value used: ${timeoutMilliseconds} ms. ` +
          "This timeout value can be configured, see consumers doc guide to learn more",
      ),
    );
  }

  returned(): void {
    assert(false, "a session that consumes publishes nothing");
  }

  confirmed(): void {}

  refused(): void {}

  #requestFlush(): void {
    if (this.#flushRequested) return;
    this.#flushRequested = true;
    this.#session.host.broker.turn.requestConfirms(this);
  }

  #report(): void {
    const available = this.#readyCount();
    this.#session.reportCredit(this.handle, this.#deliveryCount, this.#credit, this.#draining, available);
  }

  #readyCount(): number {
    const queue = this.#session.host.identity.vhost.findQueue(this.#subscription.queueName);
    return queue === undefined ? 0 : queue.readyCount;
  }

  #refuseTooLarge(bytes: number): void {
    this.#session.host.broker.logger.warn("message is larger than its receiver takes", {
      link: this.name,
      queue: this.#subscription.queueName,
      bytes,
      bytesMax: this.#messageBytesMax,
    });
  }
}
