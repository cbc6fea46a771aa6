import type { ReplyName } from "./reply-codes.ts";

/** Thrown for octets that are not well-formed AMQP 0-9-1. The connection they came on cannot go on. */
export class WireError extends Error {
  override readonly name: string = "WireError";
  readonly replyName: ReplyName;
  /** The method the octets belong to; 0 when they are not tied to one, as in connection.close. */
  readonly classId: number;
  readonly methodId: number;

  /** @param explanation the text after `NAME - ` in the close, as RabbitMQ words it where RabbitMQ has one. */
  constructor(replyName: ReplyName, explanation: string, classId = 0, methodId = 0) {
    super(explanation);
    this.replyName = replyName;
    this.classId = classId;
    this.methodId = methodId;
  }
}

/** The octets end before the value does. */
export class TruncatedError extends WireError {
  override readonly name: string = "TruncatedError";

  /** @param what the value that is cut short, e.g. "field table". */
  constructor(what: string) {
    super("FRAME_ERROR", `${what} cut short`);
  }
}
