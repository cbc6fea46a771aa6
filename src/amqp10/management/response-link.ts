import type { Fields } from "../codec/fields.ts";
import { Amqp10Error } from "../error-condition.ts";
import { type AttachRequest, creditLeft, type Link } from "../link/link.ts";
import type { LinkSession } from "../link/link-session.ts";
import type { DeliverySender } from "../outgoing-deliveries.ts";

interface WaitingResponse {
  readonly response: Buffer;
  readonly sent: () => void;
}

/** The link on which a client receives the responses of the management node. */
export class ResponseLink implements Link, DeliverySender {
  readonly name: string;
  readonly handle: number;
  readonly clientReceives = true;
  readonly isDurable = false;
  readonly defaultOutcome = "accepted";
  readonly #session: LinkSession;
  readonly #onEnd: () => void;
  #credit = 0;
  #deliveryCount = 0;
  /** Responses that wait for credit. Requests that have no response are limited, so these are. */
  #waiting: WaitingResponse[] = [];
  #ended = false;

  constructor(session: LinkSession, { name, handle }: AttachRequest, onEnd: () => void) {
    this.name = name;
    this.handle = handle;
    this.#session = session;
    this.#onEnd = onEnd;
  }

  /** Sends a response when there is credit for it, and calls `sent` then, or when it never will be. */
  send(response: Buffer, sent: () => void): void {
    if (this.#ended) {
      sent();
      return;
    }
    this.#waiting.push({ response, sent });
    this.#sendWaiting();
  }

  takeFlow(flow: Fields): void {
    this.#credit = creditLeft(flow, this.#deliveryCount) ?? this.#credit;
    this.#sendWaiting();
    const drain = flow.flag(8);
    if (drain) {
      this.#deliveryCount = (this.#deliveryCount + this.#credit) >>> 0;
      this.#credit = 0;
    }
    if (drain || flow.flag(9)) {
      this.#session.reportCredit(this.handle, this.#deliveryCount, this.#credit, drain, this.#waiting.length);
    }
  }

  takeTransfer(): void {
    throw new Amqp10Error("amqp:not-allowed", "the client is the receiver on this link");
  }

  takeSettlement(): void {}

  outputWritable(): void {
    this.#sendWaiting();
  }

  /** Responses are settled when they are sent. */
  settled(): void {}

  end(): void {
    this.#ended = true;
    for (const { sent } of this.#waiting.splice(0)) sent();
    this.#session.outgoing.forget(this);
    this.#onEnd();
  }

  #sendWaiting(): void {
    while (this.#credit > 0 && this.#session.outgoing.writable) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#credit--;
      this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
      this.#session.outgoing.send(this, next.response, undefined);
      next.sent();
    }
  }
}
