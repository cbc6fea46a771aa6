import { Amqp10Error } from "../error-condition.ts";
import type { IncomingDelivery } from "../link/delivery-assembler.ts";
import type { AttachRequest, LinkEnd } from "../link/link.ts";
import type { LinkSession } from "../link/link-session.ts";
import { ReceivingLink } from "../link/receiving-link.ts";
import { acceptedState } from "../outcome.ts";
import { encodeResponse, readRequest } from "./request.ts";
import type { ResponseLink } from "./response-link.ts";
import { handleRequest } from "./routes.ts";

/** Requests a client may send ahead of their responses, as in RabbitMQ 4. */
const CREDIT_MAX = 8;

/** A request link's other half. */
export interface RequestPair {
  /** Undefined while it is not attached. */
  readonly responses: () => ResponseLink | undefined;
  readonly ended: () => void;
}

/** The link on which a client sends requests to the management node. */
export class RequestLink extends ReceivingLink {
  readonly #pair: RequestPair;

  constructor(session: LinkSession, request: AttachRequest, pair: RequestPair) {
    super(session, request, CREDIT_MAX);
    this.#pair = pair;
  }

  override end(how: LinkEnd): void {
    super.end(how);
    this.#pair.ended();
  }

  /** Answers when what has been asked for is durable. */
  protected takeDelivery({ deliveryId, settled, octets }: IncomingDelivery): void {
    const responses = this.#pair.responses();
    if (responses === undefined) {
      throw new Amqp10Error("amqp:precondition-failed", "the link for responses is not attached");
    }
    const request = readRequest(octets);
    const { broker, identity, replies } = this.session.host;
    const response = handleRequest(broker, identity, request);
    if (!settled) this.session.settle(true, deliveryId, deliveryId, acceptedState());
    replies.whenDurable(() => responses.send(encodeResponse(request, response), () => this.concluded()));
  }
}
