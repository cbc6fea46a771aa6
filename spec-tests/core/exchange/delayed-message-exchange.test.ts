import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../../src/core/exchange/exchange.ts";
import type { ExchangeEnvironment } from "../../../src/core/exchange/exchange-environment.ts";
import { routeMessage } from "../../../src/core/exchange/route.ts";
import { keysToOctets } from "../../../src/core/routing-keys.ts";
import { array, type FieldTable, type PlainFieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import { Topology } from "../commands/topology.ts";
import type { FakeDelayLine } from "./fake-delay-line.ts";
import { type Arguments, BodyQueue, bind, exchange, matched, message, namesOf, published, queue } from "./fixtures.ts";

const TYPE = "x-delayed-message";

function delayedExchange(
  name: string,
  type: string,
  declared: Arguments = {},
  environment: Partial<ExchangeEnvironment> = {},
): Exchange {
  return exchange(TYPE, name, { arguments: tableFrom({ "x-delayed-type": type, ...declared }) }, environment);
}

function lineOf(source: Exchange): FakeDelayLine {
  return source.stored as FakeDelayLine;
}

/** Publishes a message to `source` and hands it to where that leads. */
function publish(
  source: Exchange,
  routingKey: string,
  body: string,
  headers: Record<string, PlainFieldValue> = {},
  exchangeByName: (name: string) => Exchange | undefined = () => undefined,
): void {
  const input = published(routingKey, body, { headers: tableFrom(headers) });
  const { destinations } = routeMessage(source, input, exchangeByName);
  for (const destination of destinations) destination.push(input.message as never, undefined, 0);
}

/** What has waited is marked so. */
const WAITED = { "x-delay": -5000 };

/** Makes what is held into what a real line would have made of it, then lets it go. */
function release(
  line: FakeDelayLine,
  headers: Record<string, PlainFieldValue> = WAITED,
  bcc: readonly string[] = [],
): void {
  line.release((held) => {
    const { message: waited } = published(held.routingKey, bodyOfHeld(held), { headers: tableFrom(headers) });
    if (waited === undefined) assert.fail("a published message is there");
    held.copyFrom(waited);
    held.bcc = keysToOctets(bcc);
  });
}

function bodyOfHeld(held: Parameters<BodyQueue["push"]>[0]): string {
  const taker = new BodyQueue("");
  taker.push(held);
  return taker.bodies[0] as string;
}

test(`[${TYPE}/x-delayed-type] must be there, as a string`, () => {
  const text = { message: "Invalid argument, 'x-delayed-type' must be an existing exchange type", replyCode: 406 };
  assert.throws(() => exchange(TYPE, "x"), text);
  assert.throws(() => exchange(TYPE, "x", { arguments: tableFrom({ "x-delayed-type": 5 }) }), text);
});

test(`[${TYPE}/x-delayed-type] must be a type there is, but not this one`, () => {
  assert.throws(() => delayedExchange("x", "nonsense"), {
    message: "unknown exchange type 'nonsense'",
    replyCode: 406,
  });
  assert.throws(() => delayedExchange("x", TYPE), {
    message: "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'",
    replyCode: 406,
  });
});

test(`[${TYPE}/x-delayed-type] its arguments and bindings are checked as for the type`, () => {
  assert.throws(() => delayedExchange("x", "x-consistent-hash", { "hash-property": "zz" }), /Unsupported property: zz/);
  const source = delayedExchange("x", "x-consistent-hash");
  assert.throws(() => bind(source, queue("q"), "abc"), /The binding key must be an integer/);
  assert.throws(() => delayedExchange("x", "direct", { "alternate-exchange": 1 }), /invalid type/);
});

test(`[${TYPE}] a message without a delay is routed at once, as by the type`, () => {
  const topic = delayedExchange("x", "topic");
  bind(topic, queue("a"), "a.*");
  bind(topic, queue("b"), "#");
  assert.deepEqual(matched(topic, message("a.b")), ["a", "b"]);
  assert.deepEqual(matched(topic, published("c", "", { headers: tableFrom({ "x-delay": 0 }) })), ["b"]);
  assert.deepEqual(matched(topic, published("c", "", { headers: tableFrom({ "x-delay": -100 }) })), ["b"]);
  const headers = delayedExchange("x", "headers");
  bind(headers, queue("h"), "", { colour: "red" });
  assert.deepEqual(matched(headers, published("", "", { headers: tableFrom({ colour: "red" }) })), ["h"]);
  assert.equal(topic.routesByKeyAlone, false);
});

test(`[${TYPE}] a message with a delay goes to the delay line alone, wherever it would be routed`, () => {
  const source = delayedExchange("x", "fanout");
  const q = new BodyQueue("q");
  bind(source, q, "");
  publish(source, "key", "later", { "x-delay": 5000 });
  assert.deepEqual(q.bodies, []);
  assert.equal(lineOf(source).count, 1);
  assert.equal(lineOf(source).name, "amq.delayed-x");
  release(lineOf(source));
  assert.deepEqual(q.bodies, ["later"]);
});

test(`[${TYPE}] what is let go is routed by the bindings of that time`, () => {
  const source = delayedExchange("x", "direct");
  const [before, after] = [new BodyQueue("before"), new BodyQueue("after")];
  bind(source, before, "key");
  publish(source, "key", "later", { "x-delay": 5000 });
  source.unbindTarget(before);
  bind(source, after, "key");
  release(lineOf(source));
  assert.deepEqual([before.bodies, after.bodies], [[], ["later"]]);
});

test(`[${TYPE}] CC and BCC keys route a message that has waited`, () => {
  const source = delayedExchange("x", "direct");
  const [q, cc, bcc] = [new BodyQueue("q"), new BodyQueue("cc"), new BodyQueue("bcc")];
  for (const target of [q, cc, bcc]) bind(source, target, target.name);
  publish(source, "q", "later", { "x-delay": 5000 });
  release(lineOf(source), { ...WAITED, CC: ["cc"] }, ["bcc"]);
  assert.deepEqual([q.bodies, cc.bodies, bcc.bodies], [["later"], ["later"], ["later"]]);
});

test(`[${TYPE}] the headers that a message has kept are there to route by`, () => {
  const source = delayedExchange("x", "headers");
  const q = new BodyQueue("q");
  bind(source, q, "", { colour: "red" });
  publish(source, "", "later", { "x-delay": 5000, colour: "red" });
  release(lineOf(source), { ...WAITED, colour: "red" });
  assert.deepEqual(q.bodies, ["later"]);
});

test(`[${TYPE}/alternate-exchange] takes what has waited and cannot be routed, and nothing before`, () => {
  const alternate = exchange("fanout", "alternate");
  const q = new BodyQueue("q");
  bind(alternate, q, "");
  const exchangeByName = (): Exchange => alternate;
  const source = delayedExchange("x", "direct", { "alternate-exchange": "alternate" }, { exchangeByName });
  publish(source, "nowhere", "later", { "x-delay": 5000 }, exchangeByName);
  assert.deepEqual(q.bodies, []);
  release(lineOf(source));
  assert.deepEqual(q.bodies, ["later"]);
});

test(`[${TYPE}] a message that comes through another exchange, or as an alternate, waits too`, () => {
  const source = delayedExchange("x", "fanout");
  const [q, direct] = [new BodyQueue("q"), new BodyQueue("direct")];
  bind(source, q, "");
  const first = exchange("fanout", "first");
  bind(first, source, "");
  bind(first, direct, "");
  publish(first, "", "bound", { "x-delay": 5000 });
  const second = exchange("direct", "second", { arguments: tableFrom({ "alternate-exchange": "x" }) });
  publish(second, "nowhere", "alternate", { "x-delay": 5000 }, () => source);
  assert.deepEqual([q.bodies, direct.bodies, lineOf(source).count], [[], ["bound"], 2]);
  release(lineOf(source));
  assert.deepEqual(q.bodies, ["bound", "alternate"]);
});

test(`[${TYPE}] a message that has waited does not wait again in an exchange further on`, () => {
  const [first, second] = [delayedExchange("x", "fanout"), delayedExchange("y", "fanout")];
  const q = new BodyQueue("q");
  bind(first, second, "");
  bind(second, q, "");
  publish(first, "", "later", { "x-delay": 5000 });
  release(lineOf(first));
  assert.deepEqual([lineOf(second).count, q.bodies], [0, ["later"]]);
});

test(`[${TYPE}] its bindings are those of the type`, () => {
  const source = delayedExchange("x", "direct");
  const [a, b] = [queue("a"), queue("b")];
  assert.equal(bind(source, a, "k"), true);
  assert.equal(bind(source, a, "k"), false);
  assert.equal(bind(source, b, "k"), true);
  assert.equal(source.bindingCount, 2);
  assert.deepEqual(namesOf(Array.from(source.bindings, ({ target }) => target)), ["a", "b"]);
  assert.equal(source.unbind({ source, target: a, routingKey: "k", arguments: new Map() as FieldTable }), true);
  assert.deepEqual(namesOf(source.unbindTarget(b).map(({ target }) => target)), ["b"]);
  assert.deepEqual(matched(source, message("k")), []);
});

test(`[${TYPE}] an exchange is deleted with what waits in it`, () => {
  const topology = new Topology();
  topology.exchange("x", { type: TYPE, arguments: tableFrom({ "x-delayed-type": "direct" }) });
  const source = topology.vhost.requireExchange("x");
  topology.vhost.deleteExchange(source);
  assert.equal(lineOf(source).dropped, true);
});

test(`[durability/${TYPE}] a durable exchange comes back with its type, bindings and the id its messages are kept under`, () => {
  const topology = new Topology();
  topology.queue("q", { durable: true });
  topology.exchange("x", { type: TYPE, durable: true, arguments: tableFrom({ "x-delayed-type": "topic" }) });
  topology.bind("x", "q", "a.#");
  const before = topology.vhost.requireExchange("x");
  const after = topology.restored().requireExchange("x");
  assert.equal(after.type, TYPE);
  assert.deepEqual(matched(after, message("a.b")), ["q"]);
  assert.equal(after.stored?.id, before.stored?.id);
  assert.equal(lineOf(after).options.durable, true);
});

test(`[${TYPE}] declaring it again compares no more than for the type`, () => {
  const topology = new Topology();
  topology.exchange("x", { type: TYPE, arguments: tableFrom({ "x-delayed-type": "direct" }) });
  topology.exchange("x", { type: TYPE, arguments: tableFrom({ "x-delayed-type": "topic" }) });
  assert.throws(() => topology.exchange("x", { type: "direct" }), /inequivalent arg 'type'/);
});

test(`[${TYPE}] CC that is no array of strings is no key`, () => {
  const source = delayedExchange("x", "direct");
  const q = new BodyQueue("q");
  bind(source, q, "q");
  publish(source, "q", "later", { "x-delay": 5000 });
  release(lineOf(source), { ...WAITED, CC: array([1, "other"]).value as readonly PlainFieldValue[] });
  assert.deepEqual(q.bodies, ["later"]);
});
