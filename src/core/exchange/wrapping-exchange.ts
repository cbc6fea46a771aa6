import type { FieldTable } from "../../wire/field-table.ts";
import type { PolicyValues } from "../policy-values.ts";
import type { ExchangeStorage } from "../store-owner.ts";
import type { Binding, Exchange, RoutingInput } from "./exchange.ts";
import type { Target } from "./target.ts";

/** An exchange that is another one, within, but for what happens to a message before that routes it. */
export abstract class WrappingExchange implements Exchange {
  readonly routesByKeyAlone = false;
  abstract readonly type: string;
  abstract readonly alternateExchange: string | undefined;
  abstract readonly stored: ExchangeStorage | undefined;
  abstract readonly delayedCount: number;
  protected readonly within: Exchange;

  constructor(within: Exchange) {
    this.within = within;
  }

  abstract match(input: RoutingInput, targets: Set<Target>): void;

  get name(): string {
    return this.within.name;
  }

  get durable(): boolean {
    return this.within.durable;
  }

  get autoDelete(): boolean {
    return this.within.autoDelete;
  }

  get internal(): boolean {
    return this.within.internal;
  }

  get arguments(): FieldTable {
    return this.within.arguments;
  }

  get bindings(): Iterable<Binding> {
    return this.within.bindings;
  }

  get bindingCount(): number {
    return this.within.bindingCount;
  }

  configure(policy: PolicyValues): boolean {
    return this.within.configure(policy);
  }

  bind(binding: Binding): boolean {
    return this.within.bind(binding);
  }

  unbind(binding: Binding): boolean {
    return this.within.unbind(binding);
  }

  unbindTarget(target: Target): Binding[] {
    return this.within.unbindTarget(target);
  }
}
