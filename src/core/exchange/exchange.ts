import type { FieldTable } from "../../wire/field-table.ts";
import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import type { PolicyValues } from "../policy-values.ts";
import type { ExchangeStorage } from "../store-owner.ts";

export type { Destination };

/** What routing may look at. */
export interface RoutingInput {
  /** The publish's routing key first, then the CC and BCC keys. */
  readonly routingKeys: readonly string[];
  /** The message's headers property; decoded on first use, undefined when absent. */
  headers(): FieldTable | undefined;
  /** The message that is being published; whoever keeps it copies it. Undefined when a route is only looked up. */
  readonly message: Message | undefined;
}

/** A binding from `source` to a queue or another exchange. Its identity is source, target, routing key and arguments. */
export interface Binding {
  readonly source: Exchange;
  readonly target: Destination | Exchange;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/** What every exchange type must do; one file per type. */
export interface Exchange {
  readonly name: string;
  /** The type name of exchange.declare, e.g. "topic". */
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
  /** Name of the alternate exchange; undefined: none. */
  readonly alternateExchange: string | undefined;
  /** True when the targets depend on the routing key alone, so that a route may be cached until a binding changes. */
  readonly routesByKeyAlone: boolean;
  /** Bindings with this exchange as source. */
  readonly bindings: Iterable<Binding>;
  readonly bindingCount: number;
  /** Where messages go that ask for a delay, whatever their keys; absent: where others go. */
  readonly delayLine?: Destination;
  /** Messages that it has taken and routes later. */
  readonly delayedCount: number;
  /** What it keeps in the store; undefined: nothing. */
  readonly stored: ExchangeStorage | undefined;
  /** Acts by this policy from now on, as far as its arguments leave it open; true when routes may change by that. */
  configure(policy: PolicyValues): boolean;
  /** Adds a binding; false when an equal one was there already. @throws BrokerError for arguments this type refuses */
  bind(binding: Binding): boolean;
  /** Removes an equal binding; false when there was none. */
  unbind(binding: Binding): boolean;
  /** Removes every binding to `target` and returns them. */
  unbindTarget(target: Destination | Exchange): Binding[];
  /**
   * Adds every target that `input` matches to `targets`. An exchange may note the message as published, unless its
   * route may be cached, so this is called once for each message.
   */
  match(input: RoutingInput, targets: Set<Destination | Exchange>): void;
}
