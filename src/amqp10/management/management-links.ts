import { Amqp10Error } from "../error-condition.ts";
import { type AttachRequest, type Link, SENDER_SETTLES } from "../link/link.ts";
import type { LinkSession } from "../link/link-session.ts";
import { RequestLink } from "./request-link.ts";
import { ResponseLink } from "./response-link.ts";

/** The two links of one name that make a client's conversation with the management node. Source: Link Pair, CS 01. */
interface Pair {
  requests: RequestLink | undefined;
  responses: ResponseLink | undefined;
}

/** The management links of a session. */
export class ManagementLinks {
  readonly #pairs = new Map<string, Pair>();

  /** @throws Amqp10Error amqp:precondition-failed for a third link of one name */
  attach(session: LinkSession, request: AttachRequest, clientReceives: boolean): Link {
    const pair = this.#pairs.get(request.name) ?? { requests: undefined, responses: undefined };
    if ((clientReceives ? pair.responses : pair.requests) !== undefined) {
      throw new Amqp10Error(
        "amqp:precondition-failed",
        `received invalid attach for management link pair '${request.name}'`,
      );
    }
    this.#pairs.set(request.name, pair);
    const answer = {
      senderSettleMode: SENDER_SETTLES.settled,
      source: request.source,
      target: request.target,
      properties: request.rawProperties,
    };
    if (clientReceives) {
      pair.responses = new ResponseLink(session, request, () => this.#left(request.name, "responses"));
      session.answerAttach(request, true, answer);
      return pair.responses;
    }
    pair.requests = new RequestLink(session, request, {
      responses: () => pair.responses,
      ended: () => this.#left(request.name, "requests"),
    });
    session.answerAttach(request, false, { ...answer, messageBytesMax: session.host.broker.limits.messageBytesMax });
    pair.requests.start();
    return pair.requests;
  }

  #left(name: string, half: keyof Pair): void {
    const pair = this.#pairs.get(name);
    if (pair === undefined) return;
    pair[half] = undefined;
    if (pair.requests === undefined && pair.responses === undefined) this.#pairs.delete(name);
  }
}
