// Hot file: every message that a client sends passes here.

import type { Performative } from "../codec/performatives.ts";
import { Amqp10Error } from "../error-condition.ts";
import { DeliveryAssembler, type IncomingDelivery } from "./delivery-assembler.ts";
import type { AttachRequest, Link, LinkEnd } from "./link.ts";
import type { LinkSession } from "./link-session.ts";

/** A link on which the client sends: its credit, and the messages put together from transfers. */
export abstract class ReceivingLink implements Link {
  readonly name: string;
  readonly handle: number;
  readonly clientReceives = false;
  readonly isDurable = false;
  protected readonly session: LinkSession;
  readonly #creditMax: number;
  readonly #assembler: DeliveryAssembler;
  #deliveryCount: number;
  #credit = 0;
  /** Deliveries whose outcome the client has not been told. */
  #underway = 0;
  #ended = false;

  /** @param creditMax messages the client may send ahead of their outcomes */
  constructor(session: LinkSession, request: AttachRequest, creditMax: number) {
    const { broker, unfinished } = session.host;
    this.session = session;
    this.name = request.name;
    this.handle = request.handle;
    this.#creditMax = creditMax;
    this.#deliveryCount = request.initialDeliveryCount;
    this.#assembler = new DeliveryAssembler(broker.limits.messageBytesMax, unfinished);
  }

  /** Gives the client its first credit: the link has been answered. */
  start(): void {
    this.#grant();
  }

  /** A message has come. Each must be {@link concluded} once. @throws Amqp10Error or BrokerError for what ends the link */
  protected abstract takeDelivery(delivery: IncomingDelivery): void;

  /** The client has given up a delivery. */
  protected aborted(_delivery: IncomingDelivery): void {}

  takeTransfer(performative: Performative, buffer: Buffer, end: number): void {
    if (this.#credit === 0) {
      throw new Amqp10Error("amqp:link:transfer-limit-exceeded", "more messages than the link has credit for");
    }
    const delivery = this.#assembler.take(performative, buffer, end);
    if (delivery === undefined) return;
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
    this.#credit--;
    this.#underway++;
    if (delivery.aborted) {
      this.aborted(delivery);
      this.concluded();
    } else {
      this.takeDelivery(delivery);
    }
  }

  /** A delivery is over. */
  concluded(): void {
    this.#underway--;
    if (this.#credit <= this.#creditMax / 2 && this.#underway < this.#creditMax) this.#grant();
  }

  /** The client's view of our credit, or its wish to hear ours. */
  takeFlow(flow: Performative["fields"]): void {
    if (flow.flag(9)) this.session.grantCredit(this.handle, this.#deliveryCount, this.#credit);
  }

  takeSettlement(_first: number, _last: number): void {}

  outputWritable(): void {}

  end(_how: LinkEnd): void {
    this.#ended = true;
    this.#assembler.abandon();
  }

  #grant(): void {
    if (this.#ended) return;
    this.#credit = this.#creditMax;
    this.session.grantCredit(this.handle, this.#deliveryCount, this.#credit);
  }
}
