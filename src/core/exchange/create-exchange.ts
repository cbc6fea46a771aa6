import { MESSAGE_DEDUPLICATION_TYPE, wantsDeduplication } from "../deduplication/exchange-arguments.ts";
import { BrokerError } from "../errors.ts";
import { SUPER_STREAM } from "../super-stream.ts";
import { ConsistentHashExchange } from "./consistent-hash-exchange.ts";
import { DELAYED_MESSAGE, DelayedMessageExchange, specWithin } from "./delayed-message-exchange.ts";
import { DirectExchange } from "./direct-exchange.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeEnvironment } from "./exchange-environment.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { FanoutExchange } from "./fanout-exchange.ts";
import { HeadersExchange } from "./headers-exchange.ts";
import { LocalRandomExchange } from "./local-random-exchange.ts";
import { MessageDeduplicationExchange } from "./message-deduplication-exchange.ts";
import { ModulusHashExchange } from "./modulus-hash-exchange.ts";
import { RandomExchange } from "./random-exchange.ts";
import { RecentHistoryExchange } from "./recent-history-exchange.ts";
import { SuperStreamExchange } from "./super-stream-exchange.ts";
import { TopicExchange } from "./topic-exchange.ts";

type ExchangeConstructor = new (spec: ExchangeSpec, environment: ExchangeEnvironment) => Exchange;

/** The types of exchanges that do not stand on another one. */
const CONSTRUCTORS: ReadonlyMap<string, ExchangeConstructor> = new Map<string, ExchangeConstructor>([
  ["direct", DirectExchange],
  ["fanout", FanoutExchange],
  ["topic", TopicExchange],
  ["headers", HeadersExchange],
  ["x-consistent-hash", ConsistentHashExchange],
  ["x-local-random", LocalRandomExchange],
  [MESSAGE_DEDUPLICATION_TYPE, FanoutExchange],
  ["x-modulus-hash", ModulusHashExchange],
  ["x-random", RandomExchange],
  ["x-recent-history", RecentHistoryExchange],
  [SUPER_STREAM, SuperStreamExchange],
]);

/** The exchange types that can be declared. */
export const EXCHANGE_TYPES: readonly string[] = [...CONSTRUCTORS.keys(), DELAYED_MESSAGE].sort();

/**
 * Words that mean something else to the broker. RabbitMQ calls a type "invalid" rather than "unknown" when it has
 * the word as an atom, which cannot be known for every word; clients take either text.
 */
const WORDS_FOR_OTHER_THINGS: ReadonlySet<string> = new Set([
  "",
  "exchange",
  "queue",
  "binding",
  "channel",
  "connection",
  "classic",
  "quorum",
  "stream",
  "default",
]);

/**
 * Checks the type of an exchange.declare; RabbitMQ does so before it looks for an existing exchange.
 *
 * @throws BrokerError PRECONDITION_FAILED when there is no such type
 */
export function checkExchangeType(type: string): void {
  if (!EXCHANGE_TYPES.includes(type)) throw noSuchType(type);
}

/**
 * Makes an exchange without bindings. Names, permissions and equivalence are for the caller to check.
 *
 * @throws BrokerError PRECONDITION_FAILED when there is no such type, or an argument is refused
 */
export function createExchange(spec: ExchangeSpec, environment: ExchangeEnvironment): Exchange {
  return wantsDeduplication(spec)
    ? MessageDeduplicationExchange.create(spec, environment, createRoutingExchange)
    : createRoutingExchange(spec, environment);
}

function createRoutingExchange(spec: ExchangeSpec, environment: ExchangeEnvironment): Exchange {
  if (spec.type === DELAYED_MESSAGE) {
    const id = spec.id ?? environment.allocateId();
    const within = createRoutingExchange({ ...specWithin(spec), id }, environment);
    return new DelayedMessageExchange(id, within, environment);
  }
  const Constructor = CONSTRUCTORS.get(spec.type);
  if (Constructor === undefined) throw noSuchType(spec.type);
  return new Constructor(spec, environment);
}

function noSuchType(type: string): BrokerError {
  const verdict = WORDS_FOR_OTHER_THINGS.has(type) ? "invalid" : "unknown";
  return new BrokerError("PRECONDITION_FAILED", `${verdict} exchange type '${type}'`);
}
