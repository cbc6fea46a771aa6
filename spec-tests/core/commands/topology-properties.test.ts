import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { deleteExchange } from "../../../src/core/commands/delete-exchange.ts";
import { deleteQueue } from "../../../src/core/commands/delete-queue.ts";
import { unbindExchange } from "../../../src/core/commands/unbind-exchange.ts";
import { unbindQueue } from "../../../src/core/commands/unbind-queue.ts";
import { BrokerError } from "../../../src/core/errors.ts";
import type { Binding, Exchange } from "../../../src/core/exchange/exchange.ts";
import { isExchange } from "../../../src/core/exchange/target.ts";
import type { Queue } from "../../../src/core/queue/queue.ts";
import type { Vhost } from "../../../src/core/vhost.ts";
import { type FieldTable, tableFrom, tableToRecord } from "../../../src/wire/field-table.ts";
import { Topology } from "./topology.ts";

type Step = (topology: Topology) => unknown;

const TABLES: readonly FieldTable[] = [tableFrom({}), tableFrom({ a: 1, b: { c: 1, d: [2] } }), tableFrom({ a: 2 })];

const exchangeName = fc.constantFrom("x1", "x2", "x3", "amq.topic");
const queueName = fc.constantFrom("q1", "q2", "q3");
const routingKey = fc.constantFrom("", "k", "a.*");
const tables = fc.constantFrom(...TABLES);
const type = fc.constantFrom("direct", "fanout", "topic", "headers");

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(exchangeName, type, fc.boolean(), fc.boolean()).map(
    ([name, kind, durable, autoDelete]): Step =>
      (on) =>
        on.exchange(name, { type: kind, durable, autoDelete }),
  ),
  fc.tuple(queueName, fc.boolean(), fc.boolean(), fc.boolean()).map(
    ([name, durable, exclusive, autoDelete]): Step =>
      (on) =>
        on.queue(name, { durable, exclusive, autoDelete }),
  ),
  fc.tuple(exchangeName, queueName, routingKey, tables).map(
    ([exchange, queue, key, table]): Step =>
      (on) =>
        on.bind(exchange, queue, key, table),
  ),
  fc.tuple(exchangeName, exchangeName, routingKey).map(
    ([source, destination, key]): Step =>
      (on) =>
        on.bindExchanges(source, destination, key),
  ),
  fc.tuple(exchangeName, queueName, routingKey, tables).map(
    ([exchange, queue, key, table]): Step =>
      (on) =>
        unbindQueue(on.context, { exchange, queue, routingKey: key, arguments: table }),
  ),
  fc.tuple(exchangeName, exchangeName, routingKey).map(
    ([source, destination, key]): Step =>
      (on) =>
        unbindExchange(on.context, { source, destination, routingKey: key, arguments: tableFrom({}) }),
  ),
  fc.tuple(exchangeName, fc.boolean()).map(
    ([name, ifUnused]): Step =>
      (on) =>
        deleteExchange(on.context, { name, ifUnused }),
  ),
  queueName.map(
    (name): Step =>
      (on) =>
        deleteQueue(on.context, { name, ifUnused: false, ifEmpty: false }),
  ),
  queueName.map(
    (name): Step =>
      (on) =>
        on.hasQueue(name) && on.fakeQueue(name).onUnused?.(),
  ),
  fc.constant<Step>((on) => on.vhost.deleteExclusiveQueues(on.context.actor.connection)),
);

test("[vhost] whatever the commands, bindings have both ends and a restart brings the durable part back", () => {
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const topology = new Topology();
    for (const each of steps) {
      attempt(each, topology);
      checkBindings(topology.vhost);
    }
    assert.deepEqual(durablePart(topology.restored()), durablePart(topology.vhost));
    dismantle(topology);
  });
  const seed = Number(process.env["FAST_CHECK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  // On failure fast-check reports the seed and the shrunk case; the seed is replayed through the environment.
  fc.assert(property, { numRuns: 300, seed, verbose: fc.VerbosityLevel.Verbose });
});

/** Refusals are a legitimate outcome; anything else thrown is a defect. */
function attempt(each: Step, topology: Topology): void {
  try {
    each(topology);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
  }
}

function checkBindings(vhost: Vhost): void {
  for (const { source, target } of vhost.bindings()) {
    assert.equal(vhost.findExchange(source.name), source);
    assert.equal(isExchange(target) ? vhost.findExchange(target.name) : vhost.findQueue(target.name), target);
  }
}

/** When everything declared is deleted, nothing is left behind in the store. */
function dismantle(topology: Topology): void {
  for (const { name } of [...topology.vhost.queues]) {
    deleteQueue(topology.context, { name, ifUnused: false, ifEmpty: false });
  }
  for (const { name } of [...topology.vhost.exchanges]) {
    if (name.startsWith("x")) deleteExchange(topology.context, { name, ifUnused: false });
  }
  for (const { source, target, routingKey: key, arguments: table } of [...topology.vhost.bindings()]) {
    unbindExchange(topology.context, {
      source: source.name,
      destination: target.name,
      routingKey: key,
      arguments: table,
    });
  }
  assert.deepEqual(topology.definitions.stored, []);
  assert.deepEqual(topology.bindings(), []);
}

function durablePart(vhost: Vhost): unknown {
  const exchanges = [...vhost.exchanges].filter(({ durable }) => durable).map(describeExchange);
  const queues = [...vhost.queues]
    .filter(({ durable }) => durable)
    .map(({ id, name, autoDelete }) => ({ id, name, autoDelete }));
  const bindings = [...vhost.bindings()].filter(isDurable).map(describeBinding);
  return { exchanges: sorted(exchanges), queues: sorted(queues), bindings: sorted(bindings) };
}

function isDurable({ source, target }: Binding): boolean {
  return source.durable && (target as Queue | Exchange).durable;
}

function describeExchange({ name, type: kind, autoDelete, internal }: Exchange): unknown {
  return { name, kind, autoDelete, internal };
}

function describeBinding({ source, target, routingKey: key, arguments: table }: Binding): unknown {
  return [source.name, isExchange(target), target.name, key, tableToRecord(table)];
}

function sorted(values: readonly unknown[]): string[] {
  return values.map((value) => JSON.stringify(value)).sort();
}
