import { BrokerError } from "../errors.ts";

/** RabbitMQ's limit on a message's expiration: ten years. */
const EXPIRATION_MILLISECONDS_MAX = 315_360_000_000;

/**
 * Reads the expiration property: decimal digits, in milliseconds.
 * @throws BrokerError PRECONDITION_FAILED, with the reason in RabbitMQ's words
 */
export function readExpiration(text: string): number {
  const match = /^[+-]?[0-9]+/.exec(text);
  if (match === null) throw invalid(text, "no_integer");
  const rest = text.slice(match[0].length);
  if (rest !== "") throw invalid(text, `{leftover_string,"${rest}"}`);
  const milliseconds = Number(match[0]);
  if (milliseconds < 0) throw invalid(text, `{value_negative,${milliseconds}}`);
  if (milliseconds > EXPIRATION_MILLISECONDS_MAX) throw invalid(text, `{value_too_large,${match[0]}}`);
  return milliseconds;
}

function invalid(text: string, reason: string): BrokerError {
  return new BrokerError("PRECONDITION_FAILED", `invalid expiration '${text}': ${reason}`);
}
