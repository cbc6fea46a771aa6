import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { deleteExchange } from "../../../src/core/commands/delete-exchange.ts";
import { deleteQueue } from "../../../src/core/commands/delete-queue.ts";
import { unbindExchange } from "../../../src/core/commands/unbind-exchange.ts";
import { unbindQueue } from "../../../src/core/commands/unbind-queue.ts";
import { BrokerError } from "../../../src/core/errors.ts";
import type { Destination } from "../../../src/core/destination.ts";
import { topicMatches, wordsOf } from "../../../src/core/exchange/topic-pattern.ts";
import { TopicTrie } from "../../../src/core/exchange/topic-trie.ts";
import { DEFAULT_LIMITS, tableLimits } from "../../../src/core/limits.ts";
import { Message } from "../../../src/core/message.ts";
import { RouteResolver } from "../../../src/core/session/route-resolver.ts";
import type { Vhost } from "../../../src/core/vhost.ts";
import { encodeContent } from "../../../src/wire/content.ts";
import { EMPTY_TABLE, tableFrom } from "../../../src/wire/field-table.ts";
import { encodeProperties } from "../../../src/wire/properties.ts";
import { Topology } from "../commands/topology.ts";
import { queue } from "../exchange/fixtures.ts";

const EXCHANGES = ["topic", "direct", "fanout", "modulus"] as const;
const QUEUES = ["q1", "q2", "a.b"] as const;
const KEYS = ["", "a", "a.b", "a.b.c", "q1"] as const;
const PATTERNS = [...KEYS, "b.a", "#", "*", "a.*", "*.b", "#.b", "a.#", "a.#.c"] as const;
const TYPES = ["topic", "direct", "fanout", "x-modulus-hash", "headers"] as const;

/** Who publishes; the topology is changed by somebody else. */
const PUBLISHER = "bob";

type Step = (topology: Topology) => unknown;

const exchange = fc.constantFrom(...EXCHANGES);
const queueName = fc.constantFrom(...QUEUES);
const pattern = fc.constantFrom(...PATTERNS);
/** A publisher publishes after every so many steps. */
const often = fc.integer({ min: 1, max: 90 });
const alternate = fc.option(fc.constantFrom(...EXCHANGES, "absent"));

function declareExchange(on: Topology, name: string, type: string, alternateExchange: string | null): void {
  const table = alternateExchange === null ? EMPTY_TABLE : tableFrom({ "alternate-exchange": alternateExchange });
  on.exchange(name, { type, arguments: table });
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.tuple(exchange, fc.constantFrom(...TYPES), alternate).map(
      ([name, type, other]): Step =>
        (on) =>
          declareExchange(on, name, type, other),
    ),
  },
  {
    weight: 2,
    arbitrary: queueName.map(
      (name): Step =>
        (on) =>
          on.queue(name),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(exchange, queueName, pattern).map(
      ([x, q, key]): Step =>
        (on) =>
          on.bind(x, q, key),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(exchange, exchange, pattern).map(
      ([x, y, key]): Step =>
        (on) =>
          on.bindExchanges(x, y, key),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(exchange, queueName, pattern).map(
      ([x, q, key]): Step =>
        (on) =>
          unbindQueue(on.context, { exchange: x, queue: q, routingKey: key, arguments: EMPTY_TABLE }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(exchange, exchange, pattern).map(
      ([x, y, key]): Step =>
        (on) =>
          unbindExchange(on.context, { source: x, destination: y, routingKey: key, arguments: EMPTY_TABLE }),
    ),
  },
  {
    weight: 1,
    arbitrary: exchange.map(
      (name): Step =>
        (on) =>
          deleteExchange(on.context, { name, ifUnused: false }),
    ),
  },
  {
    weight: 1,
    arbitrary: queueName.map(
      (name): Step =>
        (on) =>
          deleteQueue(on.context, { name, ifUnused: false, ifEmpty: false }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", ".*", "topic").map(
      (write): Step =>
        (on) =>
          on.permit(PUBLISHER, { write }),
    ),
  },
);

function openTopology(): Topology {
  const topology = new Topology();
  topology.permit(PUBLISHER, { write: ".*" });
  return topology;
}

function resolverOn({ vhost, permissions }: Topology, userName = PUBLISHER): RouteResolver {
  return new RouteResolver(vhost, permissions, userName, tableLimits(DEFAULT_LIMITS));
}

function messageTo(exchangeName: string, routingKey: string): Message {
  const message = new Message();
  const address = [exchangeName, routingKey].map((name) => String.fromCharCode(name.length) + name).join("");
  message.buffer = Buffer.concat([Buffer.from(address), encodeContent(encodeProperties({}), Buffer.alloc(0), 4096)]);
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
  return message;
}

/** Names of the destinations, or the text of the refusal. */
function routeOf(resolver: RouteResolver, exchangeName: string, routingKey: string): string {
  return namesOf(() => resolver.resolve(messageTo(exchangeName, routingKey)));
}

/** The same, found anew. */
function newRouteOf(resolver: RouteResolver, exchangeName: string, routingKey: string): string {
  return namesOf(() => resolver.resolveKeys(messageTo(exchangeName, routingKey), []));
}

function namesOf(resolve: () => readonly Destination[]): string {
  try {
    return resolve()
      .map(({ name }) => name)
      .sort()
      .join(" ");
  } catch (error) {
    if (error instanceof BrokerError) return `${error.replyName} ${error.message}`;
    throw error;
  }
}

/** Counts how often the virtual host is asked for a route. */
function countedRoutes(vhost: Vhost): () => number {
  const route = vhost.route.bind(vhost);
  let count = 0;
  vhost.route = (...asked) => {
    count++;
    return route(...asked);
  };
  return () => count;
}

test("[routes] whatever changes, a route that is kept is the one that would be found anew", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 60, maxLength: 120 }),
      fc.array(often, { minLength: 1 }),
      (steps, often) => {
        const topology = openTopology();
        // They share what they keep.
        const publishers = often.map((every) => ({ every, resolver: resolverOn(topology) }));
        for (const [index, act] of steps.entries()) {
          try {
            act(topology);
          } catch (error) {
            if (!(error instanceof BrokerError)) throw error;
          }
          for (const exchangeName of ["", ...EXCHANGES]) {
            for (const key of KEYS) {
              const expected = newRouteOf(resolverOn(topology), exchangeName, key);
              for (const { every, resolver } of publishers) {
                if (index % every === 0) assert.equal(routeOf(resolver, exchangeName, key), expected);
              }
            }
          }
        }
      },
    ),
    { numRuns: 25 },
  );
});

test("[routes] a route is kept through changes that cannot concern it, and found anew after one that does", () => {
  const topology = openTopology();
  topology.exchange("x", { type: "topic" });
  for (const name of ["hot", "cold"]) topology.queue(name);
  topology.bind("x", "hot", "sensor.*.temperature");
  const routes = countedRoutes(topology.vhost);
  const resolver = resolverOn(topology);
  const hot = (): string => routeOf(resolver, "x", "sensor.7.temperature");
  assert.deepEqual([hot(), hot(), routes()], ["hot", "hot", 1]);
  for (let number = 0; number < 1000; number++) {
    topology.bind("x", "cold", `sensor.*.humidity.${number}`);
    topology.bind("amq.topic", "cold", "#");
    topology.queue(`other-${number}`);
    hot();
  }
  assert.equal(routes(), 1, "binding what does not match costs no route");
  topology.bind("x", "cold", "sensor.#");
  assert.deepEqual([hot(), hot(), routes()], ["cold hot", "cold hot", 2]);
  deleteQueue(topology.context, { name: "hot", ifUnused: false, ifEmpty: false });
  assert.deepEqual([hot(), hot(), routes()], ["cold", "cold", 3]);
});

test("[routes] what one publisher has found serves the others of its user, and nobody else", () => {
  const topology = openTopology();
  topology.permit("eve", { write: "" });
  topology.queue("q");
  const routes = countedRoutes(topology.vhost);
  assert.equal(routeOf(resolverOn(topology), "", "q"), "q");
  assert.equal(routeOf(resolverOn(topology), "", "q"), "q");
  assert.equal(routes(), 1);
  const refused = /^ACCESS_REFUSED /;
  assert.match(routeOf(resolverOn(topology, "eve"), "", "q"), refused);
  topology.permit(PUBLISHER, { write: "" });
  assert.match(routeOf(resolverOn(topology), "", "q"), refused);
});

test("[routes] after more changes than are remembered a route is found anew", () => {
  const topology = openTopology();
  topology.queue("q");
  const routes = countedRoutes(topology.vhost);
  const resolver = resolverOn(topology);
  routeOf(resolver, "", "q");
  for (let number = 0; number < 65; number++) topology.queue(`other-${number}`);
  assert.deepEqual([routeOf(resolver, "", "q"), routes()], ["q", 2]);
});

test("[routes] no more routes are kept than there is room for", () => {
  const topology = openTopology();
  const routes = countedRoutes(topology.vhost);
  const resolver = resolverOn(topology);
  for (let number = 0; number < 30_000; number++) routeOf(resolver, "", `nobody-${number}`);
  routeOf(resolver, "", "nobody-0");
  assert.equal(routes(), 30_001, "the first has made room for later ones");
});

test("[routes] a pattern matches a key exactly if the trie of all patterns says so", () => {
  const words = fc.array(fc.constantFrom("a", "b", "", "*", "#"), { maxLength: 6 }).map((list) => list.join("."));
  const key = fc.array(fc.constantFrom("a", "b", "", "c"), { maxLength: 6 }).map((list) => list.join("."));
  const target = queue("q");
  fc.assert(
    fc.property(words, key, (text, routingKey) => {
      const trie = new TopicTrie();
      trie.add(text, target);
      const found = new Set<typeof target>();
      trie.match(routingKey, found as never);
      assert.equal(topicMatches(wordsOf(text), wordsOf(routingKey)), found.size === 1);
    }),
    { numRuns: 2000 },
  );
});
