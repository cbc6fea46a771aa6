import type { FieldTable } from "../../wire/field-table.ts";
import type { PolicyValues } from "../policy-values.ts";
import type { ExchangeStorage } from "../store-owner.ts";
import { ALTERNATE_EXCHANGE, alternateExchangeOf } from "./alternate-exchange.ts";
import { Bindings } from "./bindings.ts";
import type { Binding, Exchange, RoutingInput } from "./exchange.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import type { Target } from "./target.ts";

/**
 * What the exchange types with bindings of their own have in common: they keep their bindings, and beside them
 * whatever index their way of matching needs.
 */
export abstract class BoundExchange implements Exchange {
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
  alternateExchange: string | undefined;
  readonly delayedCount = 0;
  readonly stored: ExchangeStorage | undefined = undefined;
  abstract readonly routesByKeyAlone: boolean;
  readonly #bindings = new Bindings();
  /** The alternate exchange in the arguments, which comes before a policy's. */
  readonly #declaredAlternate: string | undefined;

  /** @throws BrokerError PRECONDITION_FAILED for an alternate-exchange argument that is no name */
  constructor(spec: ExchangeSpec) {
    this.name = spec.name;
    this.type = spec.type;
    this.durable = spec.durable;
    this.autoDelete = spec.autoDelete;
    this.internal = spec.internal;
    this.arguments = spec.arguments;
    this.#declaredAlternate = alternateExchangeOf(spec);
    this.alternateExchange = this.#declaredAlternate;
  }

  get bindings(): Iterable<Binding> {
    return this.#bindings;
  }

  get bindingCount(): number {
    return this.#bindings.count;
  }

  configure(policy: PolicyValues): boolean {
    const before = this.alternateExchange;
    const value = policy.get(ALTERNATE_EXCHANGE);
    this.alternateExchange = this.#declaredAlternate ?? (typeof value === "string" ? value : undefined);
    return this.alternateExchange !== before;
  }

  bind(binding: Binding): boolean {
    this.checkBinding(binding);
    if (!this.#bindings.add(binding)) return false;
    this.addToIndex(binding);
    return true;
  }

  unbind(binding: Binding): boolean {
    const removed = this.#bindings.remove(binding);
    if (removed === undefined) return false;
    this.removeFromIndex(removed);
    return true;
  }

  unbindTarget(target: Target): Binding[] {
    const removed = this.#bindings.removeTarget(target);
    for (const binding of removed) this.removeFromIndex(binding);
    return removed;
  }

  abstract match(input: RoutingInput, targets: Set<Target>): void;

  /** Refuses a binding that this type cannot honour. @throws BrokerError PRECONDITION_FAILED */
  protected checkBinding(_binding: Binding): void {}

  /** Makes a new binding take part in matching. */
  protected abstract addToIndex(binding: Binding): void;

  /** Ends that; `binding` is the very object that was added. */
  protected abstract removeFromIndex(binding: Binding): void;
}
