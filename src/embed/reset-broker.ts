import type { Broker } from "../core/broker.ts";
import { DEFAULT_EXCHANGE_NAME } from "../core/names.ts";
import type { BindingTarget } from "../core/vhost.ts";

const DEFAULT_VHOST = "/";
const PREDECLARED_PREFIX = "amq.";

/** Deletes all but what a new broker has, and the users with their permissions. */
export function resetBroker(broker: Broker): void {
  for (const vhost of [...broker.vhosts]) {
    if (vhost.name !== DEFAULT_VHOST) {
      broker.deleteVhost(vhost);
      continue;
    }
    broker.policies.clearVhost(vhost.name);
    for (const queue of [...vhost.queues]) vhost.deleteQueue(queue);
    for (const exchange of [...vhost.exchanges]) {
      const isOwn = exchange.name !== DEFAULT_EXCHANGE_NAME && !exchange.name.startsWith(PREDECLARED_PREFIX);
      // Deleting one may take others with it.
      if (isOwn && vhost.findExchange(exchange.name) === exchange) vhost.deleteExchange(exchange);
    }
    for (const { source, target, routingKey, arguments: bindingArguments } of [...vhost.bindings()]) {
      vhost.unbind(source, target as BindingTarget, routingKey, bindingArguments);
    }
  }
}
