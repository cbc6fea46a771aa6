// Hot file: every transfer, disposition and flow passes here.

import type { Fields } from "./codec/fields.ts";
import { PERFORMATIVES, type Performative } from "./codec/performatives.ts";
import {
  bool,
  composite,
  echo,
  encodeValue,
  string,
  symbols,
  type Typed,
  ubyte,
  uint,
  ulong,
  ushort,
} from "./codec/types.ts";
import { Amqp10Error, errorField, refusalOf } from "./error-condition.ts";
import { type AttachingSession, prepareLink } from "./link/attach-link.ts";
import type { AttachAnswer, AttachRequest, Link } from "./link/link.ts";
import { RECEIVER_SETTLES, readAttach } from "./link/link.ts";
import type { DetachedLink } from "./link/unsettled-deliveries.ts";
import { ManagementLinks } from "./management/management-links.ts";
import { OutgoingDeliveries } from "./outgoing-deliveries.ts";
import { Publisher } from "./publisher.ts";
import type { SessionHost } from "./session-host.ts";
import { Transactions } from "./transactions.ts";

/** Transfers a client may send before it hears from us, as in RabbitMQ. */
const INCOMING_WINDOW = 400;
const UINT_MAX = 0xffff_ffff;
const FRAME_HEAD_BYTES = 8;
/** Fields of an attach. */
const UNSETTLED = 7;
const INCOMPLETE_UNSETTLED = 8;

/** An AMQP 1.0 session: its windows, and the links on it. Source: part 2.5. */
export class Session implements AttachingSession {
  readonly host: SessionHost;
  readonly channel: number;
  readonly outgoing: OutgoingDeliveries;
  readonly publisher: Publisher;
  readonly transactions: Transactions;
  readonly management: ManagementLinks;
  readonly detachedLinks = new Map<string, DetachedLink>();
  /** True when the client has ended it. */
  ended = false;
  /** True when we have ended it: what comes until the client's end means nothing. */
  #discarding = false;
  #closed = false;
  /** By handle. Undefined: we have ended the link and wait for the client's detach. */
  readonly #links = new Map<number, Link | undefined>();
  /** The highest handle. Ours are the client's own, so it is for both ends. */
  readonly #handleMax: number;
  #nextIncomingId: number;
  #incomingWindow = INCOMING_WINDOW;

  constructor(host: SessionHost, channel: number, begin: Fields) {
    this.host = host;
    this.channel = channel;
    this.#nextIncomingId = begin.requiredNumber(1);
    this.#handleMax = Math.min(host.broker.limits.linksMax - 1, begin.number(4) ?? UINT_MAX);
    this.outgoing = new OutgoingDeliveries(host, channel, begin.requiredNumber(2));
    this.publisher = new Publisher(this);
    this.transactions = new Transactions(this);
    this.management = new ManagementLinks();
    this.send(
      composite(PERFORMATIVES.begin, [
        ushort(channel),
        uint(0),
        uint(INCOMING_WINDOW),
        uint(UINT_MAX),
        uint(this.#handleMax),
      ]),
    );
  }

  /**
   * Takes a frame; the payload follows the performative up to `end` of `buffer`.
   *
   * @throws Amqp10Error for what ends the connection
   */
  take(performative: Performative, buffer: Buffer, end: number): void {
    const { code, fields } = performative;
    if (code === PERFORMATIVES.end) {
      this.#takeEnd();
      return;
    }
    if (this.#discarding) return;
    try {
      if (code === PERFORMATIVES.transfer) this.#takeTransfer(performative, buffer, end);
      else if (code === PERFORMATIVES.disposition) this.#takeDisposition(fields);
      else if (code === PERFORMATIVES.flow) this.#takeFlow(fields);
      else if (code === PERFORMATIVES.attach) this.#takeAttach(readAttach(fields), fields);
      else if (code === PERFORMATIVES.detach) this.#takeDetach(fields);
      else throw new Amqp10Error("amqp:not-allowed", `unexpected performative 0x${code.toString(16)}`);
    } catch (error) {
      this.#endWith(refusalOf(error));
    }
  }

  /** Sends a frame, unless the session is over: to the client the channel is free then, or another session's. */
  send(performative: Typed): void {
    if (!this.#closed) this.host.output.performative(this.channel, performative);
  }

  decide(first: number, last: number, state: Typed): void {
    this.#sendDisposition(true, first, last, false, state);
  }

  outputWritable(): void {
    for (const link of this.#links.values()) link?.outputWritable();
  }

  grantCredit(handle: number, deliveryCount: number, credit: number): void {
    this.#sendFlow([uint(handle), uint(deliveryCount), uint(credit)]);
  }

  reportCredit(handle: number, deliveryCount: number, credit: number, drain: boolean, available: number): void {
    this.#sendFlow([uint(handle), uint(deliveryCount), uint(credit), uint(available), bool(drain)]);
  }

  settle(clientSent: boolean, first: number, last: number, state: Typed): void {
    this.#sendDisposition(clientSent, first, last, true, state);
  }

  answerAttach(request: AttachRequest, clientReceives: boolean, answer: AttachAnswer): void {
    const { unsettled, messageBytesMax, offeredCapabilities } = answer;
    const fields = [
      string(request.name),
      uint(request.handle),
      bool(!clientReceives),
      ubyte(answer.senderSettleMode),
      ubyte(answer.receiverSettleMode ?? RECEIVER_SETTLES.first),
      answer.source && echo(answer.source),
      answer.target && echo(answer.target),
      undefined,
      undefined,
      clientReceives ? uint(0) : undefined,
      messageBytesMax === undefined || messageBytesMax === Number.POSITIVE_INFINITY
        ? undefined
        : ulong(messageBytesMax),
      offeredCapabilities === undefined ? undefined : symbols(offeredCapabilities),
      undefined,
      answer.properties && echo(answer.properties),
    ];
    if (unsettled !== undefined) {
      const otherBytes = encodeValue(composite(PERFORMATIVES.attach, fields)).length;
      fields[UNSETTLED] = unsettled.encode(this.host.frameBytesMax - FRAME_HEAD_BYTES - otherBytes);
      if (unsettled.incomplete) fields[INCOMPLETE_UNSETTLED] = bool(true);
    }
    this.send(composite(PERFORMATIVES.attach, fields));
  }

  failLink(link: Link, error: Amqp10Error): void {
    if (this.#links.get(link.handle) !== link) return;
    this.#links.set(link.handle, undefined);
    const { condition, message: description } = error;
    this.host.broker.logger.warn("detaching link", { link: link.name, condition, description });
    // The client has not given it up: what is to outlive the link stays.
    link.end("detached");
    this.#sendDetach(link.handle, error);
  }

  /** Lets go of all that belongs to the session in the broker. */
  close(): void {
    for (const link of this.#links.values()) link?.end("lost");
    this.#links.clear();
    for (const memory of this.detachedLinks.values()) memory.sessionEnded();
    this.detachedLinks.clear();
    this.transactions.close();
    this.publisher.close();
    this.outgoing.close();
    this.#closed = true;
  }

  #takeEnd(): void {
    this.ended = true;
    if (!this.#discarding) this.#end(undefined);
  }

  #endWith(error: Amqp10Error): void {
    const { condition, message: description } = error;
    this.host.broker.logger.warn("ending session", { channel: this.channel, condition, description });
    this.#discarding = true;
    this.#end(errorField(error));
  }

  /** Closing may send something still, which must go before the end. */
  #end(error: Typed | undefined): void {
    this.close();
    this.host.output.performative(this.channel, composite(PERFORMATIVES.end, [error]));
  }

  #sendDisposition(receiver: boolean, first: number, last: number, settled: boolean, state: Typed): void {
    this.send(
      composite(PERFORMATIVES.disposition, [
        bool(receiver),
        uint(first),
        first === last ? undefined : uint(last),
        bool(settled),
        state,
      ]),
    );
  }

  // --- links ---

  #takeAttach(request: AttachRequest, fields: Fields): void {
    const { handle, name } = request;
    const clientReceives = fields.flag(2);
    if (handle > this.#handleMax) {
      throw new Amqp10Error(
        "amqp:connection:framing-error",
        `link handle value (${handle}) exceeds maximum link handle value (${this.#handleMax})`,
      );
    }
    if (this.#links.has(handle)) {
      throw new Amqp10Error(
        "amqp:session:handle-in-use",
        `attempt to attach link '${name}' on handle ${handle}, which is in use`,
      );
    }
    for (const link of this.#links.values()) {
      if (link?.name === name && link.clientReceives === clientReceives) {
        this.failLink(link, new Amqp10Error("amqp:link:stolen", `link '${name}' has been attached again`));
      }
    }
    this.#links.set(handle, undefined);
    this.#orRefuse(request, clientReceives, () => {
      const prepared = prepareLink(this, request, clientReceives);
      const attach = (): void => void this.#links.set(handle, prepared.attach());
      if (!prepared.isDurable) attach();
      else this.host.answerWhenDurable(() => this.#orRefuse(request, clientReceives, attach));
    });
  }

  /** Runs what an attach needs; what is refused ends the link. */
  #orRefuse(request: AttachRequest, clientReceives: boolean, action: () => void): void {
    try {
      action();
    } catch (error) {
      const refusal = refusalOf(error);
      const { condition, message: description } = refusal;
      this.host.broker.logger.warn("refusing link", { link: request.name, condition, description });
      // A null terminus at our end says that the link will not be.
      this.answerAttach(request, clientReceives, {
        senderSettleMode: request.senderSettleMode,
        source: clientReceives ? undefined : request.source,
        target: clientReceives ? request.target : undefined,
      });
      this.#sendDetach(request.handle, refusal);
    }
  }

  #takeDetach(fields: Fields): void {
    const handle = fields.requiredNumber(0);
    const closed = fields.flag(1);
    const link = this.#links.get(handle);
    if (link === undefined && !this.#links.has(handle)) throw unattached(handle);
    this.#links.delete(handle);
    if (link === undefined) return;
    link.end(closed ? "closed" : "detached");
    const answer = (): void => this.send(composite(PERFORMATIVES.detach, [uint(handle), bool(closed)]));
    if (closed && link.isDurable) this.host.answerWhenDurable(answer);
    else answer();
  }

  #sendDetach(handle: number, error: Amqp10Error): void {
    this.send(composite(PERFORMATIVES.detach, [uint(handle), bool(true), errorField(error)]));
  }

  /** Undefined for a link that we have ended. @throws Amqp10Error for a handle that nothing is attached to */
  #link(handle: number): Link | undefined {
    const link = this.#links.get(handle);
    if (link === undefined && !this.#links.has(handle)) throw unattached(handle);
    return link;
  }

  /** Runs what a client does to a link; what is refused ends the link. */
  #onLink(link: Link, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.failLink(link, refusalOf(error));
    }
  }

  // --- transfers, dispositions, flow ---

  #takeTransfer(performative: Performative, buffer: Buffer, end: number): void {
    if (this.#incomingWindow === 0) {
      throw new Amqp10Error("amqp:session:window-violation", "incoming window violated by peer");
    }
    this.#nextIncomingId = (this.#nextIncomingId + 1) >>> 0;
    this.#incomingWindow--;
    const link = this.#link(performative.fields.requiredNumber(0));
    if (link !== undefined) this.#onLink(link, () => link.takeTransfer(performative, buffer, end));
    if (this.#incomingWindow <= INCOMING_WINDOW / 2) {
      this.#incomingWindow = INCOMING_WINDOW;
      this.#sendFlow([]);
    }
  }

  /** Of deliveries that the client has sent it is only of interest that it settles them: the outcome is ours to say. */
  #takeDisposition(fields: Fields): void {
    const first = fields.requiredNumber(1);
    const last = fields.number(2) ?? first;
    const settled = fields.flag(3);
    if (fields.flag(0)) this.outgoing.takeDisposition(this, first, last, settled, fields.get(4));
    else if (settled) for (const link of this.#links.values()) link?.takeSettlement(first, last);
  }

  #takeFlow(fields: Fields): void {
    const wasWritable = this.outgoing.writable;
    this.outgoing.takeFlow(fields);
    const handle = fields.number(4);
    if (handle !== undefined) {
      const link = this.#link(handle);
      if (link !== undefined) this.#onLink(link, () => link.takeFlow(fields));
    } else if (fields.flag(9)) {
      this.#sendFlow([]);
    }
    if (!wasWritable && this.outgoing.writable) this.outputWritable();
  }

  #sendFlow(linkFields: readonly Typed[]): void {
    this.send(
      composite(PERFORMATIVES.flow, [
        uint(this.#nextIncomingId),
        uint(this.#incomingWindow),
        uint(this.outgoing.nextTransferId),
        uint(UINT_MAX),
        ...linkFields,
      ]),
    );
  }
}

function unattached(handle: number): Amqp10Error {
  return new Amqp10Error("amqp:session:unattached-handle", `no link is attached to handle ${handle}`);
}
