import { BrokerError } from "../errors.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";

/** The exchange.declare argument that names where a message goes that the exchange could not route. */
export const ALTERNATE_EXCHANGE = "alternate-exchange";

/**
 * Name of the alternate exchange in the declare's arguments; undefined when there is none. It need not exist.
 *
 * @throws BrokerError PRECONDITION_FAILED when the argument is not a longstr (text as RabbitMQ 4.3)
 */
export function alternateExchangeOf(spec: ExchangeSpec): string | undefined {
  const argument = spec.arguments.get(ALTERNATE_EXCHANGE);
  if (argument === undefined) return undefined;
  if (argument.type === "longstr") return argument.value;
  throw new BrokerError(
    "PRECONDITION_FAILED",
    `invalid type '${argument.type}' for arg '${ALTERNATE_EXCHANGE}' in exchange '${spec.name}' in vhost '${spec.vhost}'`,
  );
}
