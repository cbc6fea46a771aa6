import { REPLY_CODES, type ReplyName } from "../wire/reply-codes.ts";

/** What a failed command ends: the channel (session) it came on, or the whole connection. */
export type ErrorScope = "channel" | "connection";

/**
 * The one error kind a command throws for bad input. A protocol layer turns it into channel.close,
 * connection.close, an AMQP 1.0 condition or an HTTP status. Anything else thrown is a defect.
 */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  readonly replyName: ReplyName;
  /** AMQP 0-9-1 reply code, e.g. 404. */
  readonly replyCode: number;
  readonly scope: ErrorScope;

  /** @param explanation the text after `NAME - `, exactly as RabbitMQ words it. */
  constructor(replyName: ReplyName, explanation: string, scope?: ErrorScope) {
    super(explanation);
    this.replyName = replyName;
    this.replyCode = REPLY_CODES[replyName].code;
    this.scope = scope ?? REPLY_CODES[replyName].scope;
  }
}
