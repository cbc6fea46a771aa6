import { BrokerError } from "../core/errors.ts";
import { WireError } from "../wire/errors.ts";
import type { ReplyName } from "../wire/reply-codes.ts";
import { composite, string, symbol, type Typed } from "./codec/types.ts";

const ERROR = 0x1d;

/** What goes wrong ends the link, the session or the connection it belongs to, with a condition and its description. */
export class Amqp10Error extends Error {
  override readonly name = "Amqp10Error";
  readonly condition: string;
  /** More about it, for the `info` of the error. */
  readonly info: Typed | undefined;

  constructor(condition: string, description: string, info?: Typed) {
    super(description);
    this.condition = condition;
    this.info = info;
  }
}

/** The condition that RabbitMQ 4 gives what is a reply code in AMQP 0-9-1. */
const CONDITIONS: Readonly<Partial<Record<ReplyName, string>>> = {
  ACCESS_REFUSED: "amqp:unauthorized-access",
  NOT_FOUND: "amqp:not-found",
  RESOURCE_LOCKED: "amqp:resource-locked",
  PRECONDITION_FAILED: "amqp:precondition-failed",
  RESOURCE_ERROR: "amqp:resource-limit-exceeded",
  CONNECTION_FORCED: "amqp:connection:forced",
  FRAME_ERROR: "amqp:connection:framing-error",
  SYNTAX_ERROR: "amqp:invalid-field",
  NOT_ALLOWED: "amqp:not-allowed",
  NOT_IMPLEMENTED: "amqp:not-implemented",
};

/** What a client is told of `error`. @throws `error` itself when it is no refusal but a defect */
export function refusalOf(error: unknown): Amqp10Error {
  if (error instanceof Amqp10Error) return error;
  if (error instanceof BrokerError || error instanceof WireError) {
    return new Amqp10Error(CONDITIONS[error.replyName] ?? "amqp:internal-error", error.message);
  }
  throw error;
}

/** The `error` field of a performative or an outcome. */
export function errorField(error: Amqp10Error): Typed {
  return composite(ERROR, [symbol(error.condition), string(error.message), error.info]);
}
