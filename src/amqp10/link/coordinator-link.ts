import { Fields } from "../codec/fields.ts";
import { descriptorCode } from "../codec/performatives.ts";
import { binary, composite, readValue, type Typed } from "../codec/types.ts";
import { readSections, SECTIONS } from "../conversion/sections.ts";
import { Amqp10Error, refusalOf } from "../error-condition.ts";
import { acceptedState, rejectedState } from "../outcome.ts";
import type { IncomingDelivery } from "./delivery-assembler.ts";
import type { AttachRequest, LinkEnd } from "./link.ts";
import type { LinkSession } from "./link-session.ts";
import { ReceivingLink } from "./receiving-link.ts";

const CREDIT_MAX = 16;
const DECLARE = 0x31;
const DISCHARGE = 0x32;
const DECLARED = 0x33;

const SYMBOLIC: ReadonlyMap<string, number> = new Map([
  ["amqp:declare:list", DECLARE],
  ["amqp:discharge:list", DISCHARGE],
]);

/** A link on which a client declares and discharges local transactions. Source: AMQP 1.0, part 4.3. */
export class CoordinatorLink extends ReceivingLink {
  /** Declared on this link and not discharged. */
  readonly #declared = new Map<string, Buffer>();

  constructor(session: LinkSession, request: AttachRequest) {
    super(session, request, CREDIT_MAX);
  }

  /** The transactions of a controller that goes are rolled back. */
  override end(how: LinkEnd): void {
    super.end(how);
    for (const transactionId of this.#declared.values()) this.session.transactions.rollBack(transactionId);
    this.#declared.clear();
  }

  protected takeDelivery(delivery: IncomingDelivery): void {
    const request = requestOf(delivery.octets);
    const code = descriptorCode(request, SYMBOLIC);
    const fields = new Fields("transaction request", request);
    try {
      if (code === DECLARE) this.#declare(delivery, fields);
      else if (code === DISCHARGE) this.#discharge(delivery, fields);
      else throw new Amqp10Error("amqp:not-implemented", "expected declare or discharge");
    } catch (error) {
      this.#answer(delivery, rejectedState(refusalOf(error)));
    }
  }

  #declare(delivery: IncomingDelivery, fields: Fields): void {
    if (fields.get(0) !== undefined)
      throw new Amqp10Error("amqp:not-implemented", "global transactions are not supported");
    const transactionId = this.session.transactions.declare();
    this.#declared.set(transactionId.toString("hex"), transactionId);
    this.#answer(delivery, composite(DECLARED, [binary(transactionId)]));
  }

  #discharge(delivery: IncomingDelivery, fields: Fields): void {
    const transactionId = fields.octets(0);
    const isFailed = fields.flag(1);
    if (transactionId === undefined || !this.#declared.delete(transactionId.toString("hex"))) {
      throw new Amqp10Error("amqp:transaction:unknown-id", "no such transaction");
    }
    if (isFailed) {
      this.session.transactions.rollBack(transactionId);
      this.#answer(delivery, acceptedState());
      return;
    }
    try {
      this.session.transactions.commit(transactionId, () => this.#answer(delivery, acceptedState()));
    } catch (error) {
      throw new Amqp10Error("amqp:transaction:rollback", refusalOf(error).message);
    }
  }

  #answer({ deliveryId, settled }: IncomingDelivery, state: Typed): void {
    if (!settled) this.session.settle(true, deliveryId, deliveryId, state);
    this.concluded();
  }
}

function requestOf(octets: Buffer): Typed {
  const [section] = readSections(octets, 0, octets.length).body;
  const request = section?.code === SECTIONS.value ? readValue(octets, section.valueStart) : undefined;
  if (request === undefined || !Array.isArray(request.value)) {
    throw new Amqp10Error("amqp:decode-error", "expected declare or discharge");
  }
  return request;
}
