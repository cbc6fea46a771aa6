// Hot file: every message that a client publishes passes here.

import { type PublishAddress, parseTargetAddress, queuePublishAddress, topicAddress } from "../address.ts";
import { binary, map, symbol, type Typed } from "../codec/types.ts";
import { IncomingMessage } from "../conversion/incoming-message.ts";
import { knownDeliveryIds } from "../delivery-ids.ts";
import { Amqp10Error, refusalOf } from "../error-condition.ts";
import { acceptedState, readState, rejectedState, releasedState, transactionalState } from "../outcome.ts";
import type { IncomingDelivery } from "./delivery-assembler.ts";
import { type AttachRequest, type LinkEnd, RECEIVER_SETTLES } from "./link.ts";
import type { LinkMemory } from "./link-memory.ts";
import type { LinkSession } from "./link-session.ts";
import { ReceivingLink } from "./receiving-link.ts";
import type { DecidedLink, UnsettledDelivery } from "./unsettled-deliveries.ts";

/** Messages a client may send ahead of their outcomes, as in RabbitMQ 4. */
const CREDIT_MAX = 170;
/**
 * Outcomes that a client may not have been told when its connection is lost. What it sends, it has credit for; when that
 * was given, fewer than CREDIT_MAX messages had no outcome, and the outcomes of all others had been sent before it.
 */
const UNTOLD_MAX = 2 * CREDIT_MAX;
/** The same and what it has not been told of an earlier connection. */
const REMEMBERED_MAX = 2 * UNTOLD_MAX;

/** What a link on which a client publishes is made with. */
export interface PublishingLinkOptions {
  /** Undefined: each message says where it is to go. */
  readonly address: PublishAddress | undefined;
  readonly memory: LinkMemory;
  /** Called when the link is over. */
  readonly ended: (() => void) | undefined;
}

/** A link on which a client publishes: to one address, or, through the anonymous terminus, to that of each message. */
export class PublishingLink extends ReceivingLink implements DecidedLink {
  readonly #address: PublishAddress | undefined;
  readonly #memory: LinkMemory;
  readonly #rememberedMax: number;
  readonly #onEnd: (() => void) | undefined;
  /** Deliveries that are over only when the client has settled them, by their ids; undefined: we settle. */
  readonly #awaitingClient: Map<number, UnsettledDelivery> | undefined;

  constructor(session: LinkSession, request: AttachRequest, { address, memory, ended }: PublishingLinkOptions) {
    super(session, request, CREDIT_MAX);
    this.#address = address;
    this.#memory = memory;
    this.#rememberedMax = Math.min(UNTOLD_MAX + memory.unsettled.size, REMEMBERED_MAX);
    this.#onEnd = ended;
    this.#awaitingClient = request.receiverSettleMode === RECEIVER_SETTLES.second ? new Map() : undefined;
  }

  override start(): void {
    this.#memory.attached(this);
    super.start();
  }

  override end(how: LinkEnd): void {
    super.end(how);
    this.#memory.ended(how);
    this.#onEnd?.();
  }

  override takeSettlement(first: number, last: number): void {
    const awaiting = this.#awaitingClient;
    if (awaiting === undefined) return;
    for (const deliveryId of knownDeliveryIds(awaiting, first, last)) {
      const delivery = awaiting.get(deliveryId) as UnsettledDelivery;
      delivery.settled = true;
      if (delivery.state !== undefined) this.decided(delivery);
    }
  }

  protected takeDelivery(delivery: IncomingDelivery): void {
    if (delivery.resumed) {
      this.#resume(delivery);
      return;
    }
    const { unsettled } = this.#memory;
    if (unsettled.incomplete) {
      throw new Amqp10Error(
        "amqp:illegal-state",
        "new delivery on a link whose unsettled deliveries are not all known",
      );
    }
    const { transactionId } = readState(delivery.state);
    const taken = this.#take(delivery);
    const message = new IncomingMessage(delivery.octets);
    const { frameBytesMax } = this.session.host.broker.limits;
    try {
      const { exchangeName, routingKey, isTopic } = this.#address ?? addressOf(message);
      const published = message.publishAs(exchangeName, routingKey, frameBytesMax);
      if (transactionId === undefined) {
        if (!delivery.settled) unsettled.add(taken);
        this.session.publisher.publish(published, taken, isTopic);
      } else {
        this.session.transactions.publish(transactionId, published);
        this.#decide(taken, transactionalState(binary(transactionId), acceptedState()));
      }
    } catch (error) {
      if (transactionId !== undefined) this.session.transactions.fail(transactionId);
      this.#refuse(taken, refusalOf(error));
    }
  }

  protected override aborted({ deliveryTag, resumed }: IncomingDelivery): void {
    const known = resumed ? this.#memory.unsettled.get(deliveryTag.toString("latin1")) : undefined;
    if (known !== undefined) this.#memory.unsettled.delete(known);
  }

  // --- what has become of deliveries ---

  tell(first: number, last: number, state: Typed): void {
    if (this.#awaitingClient !== undefined) this.session.decide(first, last, state);
    else this.session.settle(true, first, last, state);
  }

  decided(delivery: UnsettledDelivery): void {
    const { unsettled, outlivesSession } = this.#memory;
    if (this.#awaitingClient !== undefined && !delivery.settled) return;
    this.#awaitingClient?.delete(delivery.deliveryId);
    if (delivery.settled || !outlivesSession) unsettled.delete(delivery);
    else unsettled.trim(this.#rememberedMax);
    this.concluded();
  }

  stolen(): void {
    this.session.failLink(this, new Amqp10Error("amqp:link:stolen", `link '${this.name}' has been attached again`));
  }

  /** Notes a delivery as one of this link. */
  #take({ deliveryId, deliveryTag, settled }: IncomingDelivery): UnsettledDelivery {
    const taken = { tag: deliveryTag.toString("latin1"), link: this, deliveryId, settled, state: undefined };
    if (!settled) this.#awaitingClient?.set(deliveryId, taken);
    return taken;
  }

  /** What the client has sent before is not published again; what we know nothing of is ignored. Part 2.7.5, resume. */
  #resume({ deliveryId, deliveryTag, settled }: IncomingDelivery): void {
    const delivery = this.#memory.unsettled.get(deliveryTag.toString("latin1"));
    if (delivery === undefined) {
      this.concluded();
      return;
    }
    delivery.link = this;
    delivery.deliveryId = deliveryId;
    delivery.settled = settled;
    if (!settled) {
      this.#memory.unsettled.add(delivery);
      this.#awaitingClient?.set(deliveryId, delivery);
    }
    if (delivery.state !== undefined) this.#decide(delivery, delivery.state);
  }

  /**
   * A message that cannot be published ends the link, released; through the anonymous terminus it is rejected, and only
   * a client that does not want to hear of it loses the link. Source: Using the AMQP Anonymous Terminus, 2.2.1.
   */
  #refuse(delivery: UnsettledDelivery, error: Amqp10Error): void {
    const { deliveryId, tag, settled } = delivery;
    if (this.#address !== undefined) {
      if (!settled) this.session.settle(true, deliveryId, deliveryId, releasedState());
      throw error;
    }
    if (settled) {
      const info = map([symbol("delivery-tag"), binary(Buffer.from(tag, "latin1"))]);
      throw new Amqp10Error(error.condition, error.message, info);
    }
    this.#memory.unsettled.add(delivery);
    this.#decide(delivery, rejectedState(error));
  }

  #decide(delivery: UnsettledDelivery, state: Typed): void {
    delivery.state = state;
    if (!delivery.settled) this.tell(delivery.deliveryId, delivery.deliveryId, state);
    this.decided(delivery);
  }
}

function addressOf({ to, jmsDestination }: IncomingMessage): PublishAddress {
  if (to === undefined) {
    throw new Amqp10Error("amqp:precondition-failed", "anonymous terminus requires 'to' address to be set");
  }
  const address = parseTargetAddress(to) ?? jmsAddress(to, jmsDestination);
  if (address === undefined) throw new Amqp10Error("amqp:precondition-failed", `bad 'to' address string: ${to}`);
  return address;
}

/** A JMS client may say of a plain name that it is a queue's or a topic's. */
function jmsAddress(name: string, jmsDestination: number | undefined): PublishAddress | undefined {
  if (jmsDestination === undefined || name.startsWith("/")) return undefined;
  return jmsDestination % 2 === 1 ? topicAddress(name) : queuePublishAddress(name);
}
