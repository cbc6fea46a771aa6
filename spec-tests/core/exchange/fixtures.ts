import assert from "node:assert/strict";
import { createExchange } from "../../../src/core/exchange/create-exchange.ts";
import type { Binding, Destination, Exchange, RoutingInput } from "../../../src/core/exchange/exchange.ts";
import type { ExchangeSpec } from "../../../src/core/exchange/exchange-spec.ts";
import type { Target } from "../../../src/core/exchange/target.ts";
import { EMPTY_TABLE, type FieldTable, type PlainFieldValue, tableFrom } from "../../../src/wire/field-table.ts";

export type Arguments = Readonly<Record<string, PlainFieldValue>>;

export function queue(name: string): Destination {
  return { name, push: () => assert.fail("routing hands nothing over"), refuses: () => false };
}

export function exchange(type: string, name: string, declared: Partial<ExchangeSpec> = {}): Exchange {
  return createExchange({
    vhost: "/",
    name,
    type,
    durable: false,
    autoDelete: false,
    internal: false,
    arguments: EMPTY_TABLE,
    ...declared,
  });
}

export function binding(
  source: Exchange,
  target: Target,
  routingKey: string,
  table: FieldTable | Arguments = {},
): Binding {
  return { source, target, routingKey, arguments: table instanceof Map ? table : tableFrom(table as Arguments) };
}

export function bind(
  source: Exchange,
  target: Target,
  routingKey: string,
  table: FieldTable | Arguments = {},
): boolean {
  return source.bind(binding(source, target, routingKey, table));
}

export function message(routingKeys: string | readonly string[], headers?: FieldTable | Arguments): RoutingInput {
  const table = headers instanceof Map ? headers : headers && tableFrom(headers as Arguments);
  return {
    routingKeys: typeof routingKeys === "string" ? [routingKeys] : routingKeys,
    headers: () => table,
  };
}

/** Names of what an exchange itself sends a message to, in alphabetical order. */
export function matched(source: Exchange, input: RoutingInput): string[] {
  const targets = new Set<Target>();
  source.match(input, targets);
  return namesOf(targets);
}

export function namesOf(targets: Iterable<Target>): string[] {
  return [...targets].map((target) => target.name).sort();
}
