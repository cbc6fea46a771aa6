import { atomPrinted } from "../../wire/erlang-text.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import { checkEquivalentArguments, checkEquivalentProperty } from "../arguments/equivalence.ts";
import { BrokerError } from "../errors.ts";
import { ALTERNATE_EXCHANGE, alternateExchangeOf } from "../exchange/alternate-exchange.ts";
import { checkExchangeType } from "../exchange/create-exchange.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { checkNotDefaultExchange, checkNotReserved, cleanName, resourceText } from "../names.ts";
import { PARTITIONS, SUPER_STREAM } from "../super-stream.ts";
import type { NewExchange } from "../vhost.ts";
import { type CommandContext, checkAccess, checkAnyAccess } from "./context.ts";
import { checkPartitions } from "./declare-super-stream.ts";

/** exchange.declare (40.10). */
export interface DeclareExchange {
  readonly name: string;
  readonly type: string;
  /** Asks only whether the exchange exists; nothing but the name is looked at. */
  readonly passive: boolean;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** Clients cannot publish to it, only bind it. */
  readonly internal: boolean;
  readonly arguments: FieldTable;
}

/**
 * Creates an exchange, or checks that the existing one is the same. A super stream is created with its partitions.
 * @throws BrokerError 403 for the default exchange, a reserved name or missing permissions; 404 passive; 406 for an
 *   unknown type, a bad argument, a limit, or an existing exchange that differs
 */
export function declareExchange(context: CommandContext, spec: DeclareExchange): void {
  const { vhost } = context.actor;
  if (!spec.passive) checkExchangeType(spec.type);
  const name = cleanName("exchange", spec.name);
  checkNotDefaultExchange(name);
  if (spec.passive) {
    checkAnyAccess(context, "exchange", name);
    vhost.requireExchange(name);
    return;
  }
  checkAccess(context, "exchange", name, "configure");
  const existing = vhost.findExchange(name);
  if (existing !== undefined) checkSameExchange(resourceText("exchange", name, vhost.name), existing, spec);
  const partitions = spec.type === SUPER_STREAM ? checkPartitions(context, { ...spec, name }) : undefined;
  const exchange = existing ?? createExchange(context, { ...spec, name });
  partitions?.create(exchange);
}

function createExchange(context: CommandContext, spec: NewExchange): Exchange {
  const { vhost } = context.actor;
  checkNotReserved("exchange", spec.name);
  const alternateExchange = alternateExchangeOf({ ...spec, vhost: vhost.name });
  if (alternateExchange !== undefined) {
    checkAccess(context, "exchange", spec.name, "read");
    checkAccess(context, "exchange", alternateExchange, "write");
  }
  const { exchangesMax } = context.limits;
  if (vhost.exchangeCount >= exchangesMax) {
    const exchange = resourceText("exchange", spec.name, vhost.name);
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `cannot declare ${exchange}: exchange limit of ${exchangesMax} is reached`,
    );
  }
  return vhost.addExchange(spec);
}

/** What an exchange is declared with beside its name. */
export type ExchangeProperties = Pick<DeclareExchange, "type" | "durable" | "autoDelete" | "internal" | "arguments">;

/**
 * @param resource the exchange as error texts name it
 * @throws BrokerError 406 when `spec` does not describe the existing exchange
 */
export function checkSameExchange(resource: string, existing: Exchange, spec: ExchangeProperties): void {
  checkEquivalentProperty(resource, "type", atomPrinted(existing.type), atomPrinted(spec.type));
  checkEquivalentProperty(resource, "durable", existing.durable, spec.durable);
  checkEquivalentProperty(resource, "auto_delete", existing.autoDelete, spec.autoDelete);
  checkEquivalentProperty(resource, "internal", existing.internal, spec.internal);
  const compared = spec.type === SUPER_STREAM ? [ALTERNATE_EXCHANGE, PARTITIONS] : [ALTERNATE_EXCHANGE];
  checkEquivalentArguments(resource, compared, existing.arguments, spec.arguments);
}
