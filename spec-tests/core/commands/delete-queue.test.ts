import assert from "node:assert/strict";
import { test } from "node:test";
import { deleteQueue } from "../../../src/core/commands/delete-queue.ts";
import { refused, Topology } from "./topology.ts";

const LOCKED =
  "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on another " +
  "connection or the exclusive property value does not match that of the original declaration.";

function named(name: string, conditions: { ifUnused?: boolean; ifEmpty?: boolean } = {}) {
  return { name, ifUnused: false, ifEmpty: false, ...conditions };
}

test("[queue.delete] drops the queue with its bindings and returns the number of ready messages", () => {
  const topology = new Topology();
  topology.queue("q", { durable: true });
  topology.queue("other", { durable: true });
  topology.bind("amq.direct", "q", "1");
  topology.bind("amq.topic", "q", "2");
  topology.bind("amq.topic", "other", "3");
  const queue = topology.fakeQueue("q");
  queue.readyCount = 7;
  assert.equal(deleteQueue(topology.context, named("q")), 7);
  assert(queue.dropped);
  assert.deepEqual(topology.bindings(), ["amq.topic -3-> other"]);
  assert.deepEqual([topology.stored("queue").length, topology.stored("binding").length], [1, 1]);
});

test("[queue.delete] one that is not there counts 0", () => {
  const topology = new Topology();
  assert.equal(deleteQueue(topology.context, named("q", { ifUnused: true, ifEmpty: true })), 0);
});

test("[queue.delete] carriage returns and line feeds are removed from the name", () => {
  const topology = new Topology();
  topology.queue("q");
  deleteQueue(topology.context, named("q\r\n"));
  assert(!topology.hasQueue("q"));
});

test("[queue.delete/permissions] needs configure, for a missing queue too", () => {
  const topology = new Topology();
  const bob = topology.restrictedTo({ write: ".*", read: ".*" });
  refused(
    () => deleteQueue(bob, named("q")),
    "ACCESS_REFUSED",
    "configure access to queue 'q' in vhost '/' refused for user 'bob'",
  );
});

test("[queue.delete/exclusive] another connection's exclusive queue is 405", () => {
  const topology = new Topology();
  topology.queue("q", { exclusive: true });
  refused(() => deleteQueue(topology.otherConnection(), named("q")), "RESOURCE_LOCKED", LOCKED);
  deleteQueue(topology.context, named("q"));
});

test("[queue.delete] if-empty is checked before if-unused", () => {
  const topology = new Topology();
  topology.queue("q");
  const queue = topology.fakeQueue("q");
  const remove = () => deleteQueue(topology.context, named("q", { ifUnused: true, ifEmpty: true }));
  Object.assign(queue, { readyCount: 1, consumerCount: 1 });
  refused(remove, "PRECONDITION_FAILED", "queue 'q' in vhost '/' not empty");
  queue.readyCount = 0;
  refused(remove, "PRECONDITION_FAILED", "queue 'q' in vhost '/' in use");
  queue.consumerCount = 0;
  assert.equal(remove(), 0);
});

test("[queue.delete] takes auto-delete exchanges that fed only this queue with it, in a chain", () => {
  const topology = new Topology();
  topology.exchange("first", { autoDelete: true, durable: true });
  topology.exchange("second", { autoDelete: true, durable: true });
  topology.exchange("shared", { autoDelete: true });
  topology.queue("q", { durable: true });
  topology.queue("other");
  topology.bindExchanges("first", "second");
  topology.bind("second", "q");
  topology.bind("shared", "q");
  topology.bind("shared", "other");
  deleteQueue(topology.context, named("q"));
  assert.deepEqual(
    ["first", "second", "shared"].map((name) => topology.hasExchange(name)),
    [false, false, true],
  );
  assert.deepEqual(topology.definitions.stored, []);
});
