import type { FieldTable } from "../../wire/field-table.ts";
import { checkBindingAccess } from "./binding-access.ts";
import type { CommandContext } from "./context.ts";

/** exchange.bind (40.30) and exchange.unbind (40.40). */
export interface ExchangeBinding {
  readonly source: string;
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/**
 * Binds `destination`, an exchange, to `source`; a binding that is there already is fine.
 * @throws BrokerError 403 for the default exchange or missing permissions; 404 for either exchange; 406 for arguments
 *   the source refuses
 */
export function bindExchange(context: CommandContext, spec: ExchangeBinding): void {
  const { vhost } = context.actor;
  const names = checkBindingAccess(context, { ...spec, targetKind: "exchange", target: spec.destination });
  const source = vhost.requireExchange(names.source);
  vhost.bind(source, vhost.requireExchange(names.target), spec.routingKey, spec.arguments);
}
