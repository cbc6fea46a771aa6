import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { EXCHANGES, KEYS, QUEUES } from "./names.ts";
import type { PlainArguments } from "./operation.ts";
import type { Features } from "./profiles.ts";

const TTL_MILLISECONDS_MAX = 60_000;
const EXPIRES_MILLISECONDS_MAX = 200_000;
const RETRY_MILLISECONDS_MAX = 20_000;
const LENGTH_MAX = 6;
const LENGTH_BYTES_MAX = 60;

/** Arguments for a queue, of those that the run is about. */
export function queueArguments(random: SeededRandom, features: Features, kind: "classic" | "quorum"): PlainArguments {
  const isQuorum = kind === "quorum";
  const settings: Record<string, string | number> = {
    ...(features.ttl && random.chance(0.4) && { "message-ttl": milliseconds(random, TTL_MILLISECONDS_MAX, 0) }),
    ...(features.expires && random.chance(0.3) && { expires: milliseconds(random, EXPIRES_MILLISECONDS_MAX, 1) }),
    ...(features.length && random.chance(0.6) && lengths(random, isQuorum)),
    ...(features.deadLetters && random.chance(0.7) && deadLetters(random)),
    ...(features.retry && random.chance(0.5) && retry(random)),
    ...(isQuorum && features.consumerTimeout && { "consumer-timeout": milliseconds(random, TTL_MILLISECONDS_MAX, 1) }),
    ...(isQuorum && random.chance(0.6) && { "delivery-limit": random.integer(0, 3) }),
  };
  const atLeastOnce = isQuorum && features.atLeastOnce && settings["overflow"] === "reject-publish";
  return {
    ...(kind === "quorum" && { "x-queue-type": kind }),
    ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`x-${key}`, value])),
    ...(atLeastOnce && { "x-dead-letter-strategy": "at-least-once" }),
    ...(!isQuorum && features.priorities && random.chance(0.7) && { "x-max-priority": random.integer(1, 8) }),
    ...(features.singleActiveConsumer && random.chance(0.6) && { "x-single-active-consumer": true }),
    ...(features.delays && random.chance(0.5) && { "x-delayed-message": true }),
    ...(features.deduplication && random.chance(0.7) && deduplication(random, random.chance(0.5))),
  };
}

/** Arguments of a queue or an exchange that drops duplicates; `window`: by keys that it has seen lately. */
export function deduplication(random: SeededRandom, window: boolean): PlainArguments {
  return {
    "x-message-deduplication": true,
    ...(window && random.chance(0.8) && { "x-cache-size": random.integer(1, 4) }),
    ...(window && random.chance(0.5) && { "x-cache-ttl": milliseconds(random, TTL_MILLISECONDS_MAX, 1) }),
  };
}

/** A definition with some of the settings that policies know. */
export function policyDefinition(random: SeededRandom, operator: boolean): PlainArguments {
  const definition: Record<string, string | number> = {
    ...(random.chance(0.4) && lengths(random, false)),
    ...(random.chance(0.3) && { "message-ttl": milliseconds(random, TTL_MILLISECONDS_MAX, 0) }),
    ...(random.chance(0.2) && { expires: milliseconds(random, EXPIRES_MILLISECONDS_MAX, 1) }),
    ...(random.chance(0.2) && { "delivery-limit": random.integer(0, 3) }),
    ...(random.chance(0.2) && retry(random)),
    ...(!operator && random.chance(0.4) && deadLetters(random)),
  };
  return Object.keys(definition).length > 0 ? definition : { "max-length": random.integer(0, LENGTH_MAX) };
}

function lengths(random: SeededRandom, isQuorum: boolean): Record<string, string | number> {
  const overflows = ["drop-head", "reject-publish", ...(isQuorum ? [] : ["reject-publish-dlx"])];
  return {
    ...(random.chance(0.8) && { "max-length": random.integer(0, LENGTH_MAX) }),
    ...(random.chance(0.3) && { "max-length-bytes": random.integer(0, LENGTH_BYTES_MAX) }),
    ...(random.chance(0.7) && { overflow: random.pick(overflows) }),
  };
}

function deadLetters(random: SeededRandom): Record<string, string> {
  const toQueue = random.chance(0.5);
  const key = random.pick(toQueue ? QUEUES : KEYS);
  return {
    "dead-letter-exchange": toQueue ? "" : random.pick([...EXCHANGES, "missing"]),
    ...(random.chance(0.7) && { "dead-letter-routing-key": key }),
  };
}

function retry(random: SeededRandom): Record<string, string | number> {
  const minimum = milliseconds(random, RETRY_MILLISECONDS_MAX, 1);
  return {
    "delayed-retry-type": random.pick(["all", "failed", "returned", "disabled"]),
    "delayed-retry-min": minimum,
    ...(random.chance(0.5) && { "delayed-retry-max": minimum * random.integer(1, 3) }),
  };
}

/** Seldom the same twice, so that little falls due at the same time. */
function milliseconds(random: SeededRandom, max: number, min: number): number {
  return min === 0 && random.chance(0.1) ? 0 : random.integer(1, random.pick([max / 10, max]));
}
