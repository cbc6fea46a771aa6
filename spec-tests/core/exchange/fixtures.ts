import assert from "node:assert/strict";
import { createExchange } from "../../../src/core/exchange/create-exchange.ts";
import type { Binding, Destination, Exchange, RoutingInput } from "../../../src/core/exchange/exchange.ts";
import type { ExchangeEnvironment } from "../../../src/core/exchange/exchange-environment.ts";
import type { ExchangeSpec } from "../../../src/core/exchange/exchange-spec.ts";
import { RouteChanges } from "../../../src/core/exchange/route-changes.ts";
import type { Target } from "../../../src/core/exchange/target.ts";
import { Message } from "../../../src/core/message.ts";
import type { QueueType } from "../../../src/core/queue-type.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import type { Random } from "../../../src/lib/random.ts";
import { contentBody, contentBodyBytes, encodeContent } from "../../../src/wire/content.ts";
import { EMPTY_TABLE, type FieldTable, type PlainFieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import { encodeProperties, type Properties } from "../../../src/wire/properties.ts";
import { SeededRandom } from "../../fuzz/seeded-random.ts";
import { deduplicationEnvironment } from "../deduplication/fixtures.ts";
import { FakeDelayLine } from "./fake-delay-line.ts";
import { memoryHistory } from "./memory-history.ts";

export type Arguments = Readonly<Record<string, PlainFieldValue>>;

/** A destination that knows its queue type, as queues do. */
type FakeQueue = Destination & { readonly type: QueueType };

export function queue(name: string, type: QueueType = "classic"): FakeQueue {
  return { name, type, push: () => assert.fail("routing hands nothing over"), refuses: () => false };
}

/** Exchange types that send a message to one of their targets. */
export const ONE_TARGET_TYPES: readonly string[] = [
  "x-consistent-hash",
  "x-local-random",
  "x-modulus-hash",
  "x-random",
];

export function exchange(
  type: string,
  name: string,
  declared: Partial<ExchangeSpec> = {},
  environment: Partial<ExchangeEnvironment> = {},
): Exchange {
  const spec = { vhost: "/", name, type, durable: false, autoDelete: false, internal: false, arguments: EMPTY_TABLE };
  return createExchange(
    { ...spec, ...declared },
    {
      random: randomFrom(1),
      clock: new ManualClock(),
      exchangeByName: () => undefined,
      routeChanges: new RouteChanges(),
      allocateId: () => 1,
      releaseId: () => {},
      deduplication: deduplicationEnvironment(),
      createDelayLine: (options) => new FakeDelayLine(options),
      createMessageHistory: (options) => memoryHistory(options),
      ...environment,
    },
  );
}

/** Octets that a seed determines. */
export function randomFrom(seed: number): Random {
  const random = new SeededRandom(seed);
  return { fill: (target) => target.map((_, index) => (target[index] = random.integer(0, 255))) };
}

/** A queue that only keeps the bodies of what it gets. */
export class BodyQueue implements Destination {
  readonly name: string;
  readonly bodies: string[] = [];
  /** The last message, as it was then. */
  last = new Message();

  constructor(name: string) {
    this.name = name;
  }

  push(message: Message): void {
    this.bodies.push(contentBody(message.buffer, message.contentStart, message.contentEnd).toString());
    this.last = message.detached();
  }

  refuses(): boolean {
    return false;
  }
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
    message: undefined,
  };
}

/** A message on its way to the exchange "x", with content. */
export function published(
  routingKeys: string | readonly string[],
  body = "",
  properties: Properties = {},
): RoutingInput {
  const keys = typeof routingKeys === "string" ? [routingKeys] : routingKeys;
  const key = Buffer.from(keys[0] as string);
  const address = Buffer.from([1, 0x78, key.length, ...key]);
  const message = new Message();
  message.buffer = Buffer.concat([address, encodeContent(encodeProperties(properties), Buffer.from(body), 131_072)]);
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
  message.bodyBytes = contentBodyBytes(message.buffer, message.contentStart);
  return { message, routingKeys: keys, headers: () => properties.headers };
}

/** How many of `keys` an exchange sends to each target, by name. */
export function shares(source: Exchange, keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) {
    for (const name of matched(source, message(key))) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** The numbers from 0 as routing keys. */
export function numberedKeys(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `key-${number}`);
}

/** Asserts that `actual` of `total` draws, each with the given chance, is within six standard deviations of the mean. */
export function assertShare(actual: number, total: number, chance: number, what: string): void {
  const deviation = Math.abs(actual - total * chance) / Math.sqrt(total * chance * (1 - chance));
  assert(
    deviation < 6,
    `${what}: ${actual} of ${total} is ${deviation.toFixed(1)} deviations off a chance of ${chance}`,
  );
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
