import type { ExchangeBinding } from "./bind-exchange.ts";
import { checkBindingAccess } from "./binding-access.ts";
import type { CommandContext } from "./context.ts";

/**
 * Removes a binding between exchanges; neither it nor the exchanges need exist.
 * @throws BrokerError 403 for the default exchange or missing permissions
 */
export function unbindExchange(context: CommandContext, spec: ExchangeBinding): void {
  const { vhost } = context.actor;
  const names = checkBindingAccess(context, { ...spec, targetKind: "exchange", target: spec.destination });
  const source = vhost.findExchange(names.source);
  const target = vhost.findExchange(names.target);
  if (source !== undefined && target !== undefined) {
    vhost.unbind(source, target, spec.routingKey, spec.arguments);
  }
}
