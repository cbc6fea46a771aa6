// Hot file: match runs for every message whose route is not cached.
import { EMPTY_TABLE, type FieldTable } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import type { Binding, Destination, Exchange, RoutingInput } from "./exchange.ts";
import type { Target } from "./target.ts";

const NO_BINDINGS: readonly Binding[] = [];

/**
 * The exchange without a name, to which every queue is bound by its own name: AMQP 0-9-1 section 3.1.3.1. The
 * bindings are implicit, so that none is stored or listed.
 */
export class DefaultExchange implements Exchange {
  readonly name = "";
  readonly type = "direct";
  readonly durable = true;
  readonly autoDelete = false;
  readonly internal = false;
  readonly arguments: FieldTable = EMPTY_TABLE;
  readonly alternateExchange = undefined;
  readonly delayedCount = 0;
  readonly stored = undefined;
  readonly routesByKeyAlone = true;
  readonly bindings: Iterable<Binding> = NO_BINDINGS;
  readonly bindingCount = 0;
  readonly #queueByName: (queueName: string) => Destination | undefined;

  /** @param queueByName finds a queue of the virtual host */
  constructor(queueByName: (queueName: string) => Destination | undefined) {
    this.#queueByName = queueByName;
  }

  /** Does nothing: no policy alters where its messages go. */
  configure(): boolean {
    return false;
  }

  /** @throws BrokerError ACCESS_REFUSED, always */
  bind(_binding: Binding): boolean {
    throw notPermitted();
  }

  /** @throws BrokerError ACCESS_REFUSED, always */
  unbind(_binding: Binding): boolean {
    throw notPermitted();
  }

  unbindTarget(_target: Target): Binding[] {
    return [];
  }

  match(input: RoutingInput, targets: Set<Target>): void {
    const keys = input.routingKeys;
    for (let i = 0; i < keys.length; i++) {
      const queue = this.#queueByName(keys[i]!);
      if (queue !== undefined) targets.add(queue);
    }
  }
}

function notPermitted(): BrokerError {
  return new BrokerError("ACCESS_REFUSED", "operation not permitted on the default exchange");
}
