import type { Amqp10Error } from "../error-condition.ts";
import type { OutgoingDeliveries } from "../outgoing-deliveries.ts";
import type { Publisher } from "../publisher.ts";
import type { SettlingSession } from "../session-host.ts";
import type { Transactions } from "../transactions.ts";
import type { AttachAnswer, AttachRequest, Link } from "./link.ts";
import type { DetachedLink } from "./unsettled-deliveries.ts";

/** A session as its links see it. */
export interface LinkSession extends SettlingSession {
  readonly outgoing: OutgoingDeliveries;
  readonly publisher: Publisher;
  readonly transactions: Transactions;
  /** The links that the client has detached, and may come back to, by name. */
  readonly detachedLinks: Map<string, DetachedLink>;
  /** Answers an attach. */
  answerAttach(request: AttachRequest, clientReceives: boolean, answer: AttachAnswer): void;
  /** Grants the client `credit` on a link where it sends. */
  grantCredit(handle: number, deliveryCount: number, credit: number): void;
  /** Tells the client how a link stands on which it receives. */
  reportCredit(handle: number, deliveryCount: number, credit: number, drain: boolean, available: number): void;
  /** Ends a link of ours with an error. */
  failLink(link: Link, error: Amqp10Error): void;
}
