import assert from "node:assert/strict";
import { test } from "node:test";
import { bindQueue } from "../../../src/core/commands/bind-queue.ts";
import { unbindQueue } from "../../../src/core/commands/unbind-queue.ts";
import { EMPTY_TABLE, tableFrom } from "../../../src/wire/field-table.ts";
import { refused, Topology } from "./topology.ts";

const COMMANDS = [
  ["queue.bind", bindQueue],
  ["queue.unbind", unbindQueue],
] as const;

function binding(exchange: string, queue: string, routingKey = "key") {
  return { exchange, queue, routingKey, arguments: EMPTY_TABLE };
}

function withQueue(): Topology {
  const topology = new Topology();
  topology.exchange("x");
  topology.queue("q");
  return topology;
}

test("[queue.bind] adds a binding once, [queue.unbind] removes it", () => {
  const topology = withQueue();
  bindQueue(topology.context, binding("x", "q"));
  bindQueue(topology.context, binding("x", "q"));
  assert.deepEqual(topology.bindings(), ["x -key-> q"]);
  unbindQueue(topology.context, binding("x", "q"));
  assert.deepEqual(topology.bindings(), []);
});

test("[queue.bind] a missing exchange or queue is 404, the exchange first", () => {
  const topology = withQueue();
  const bind = (exchange: string, queue: string) => () => bindQueue(topology.context, binding(exchange, queue));
  refused(bind("missing", "q"), "NOT_FOUND", "no exchange 'missing' in vhost '/'");
  refused(bind("x", "missing"), "NOT_FOUND", "no queue 'missing' in vhost '/'");
  refused(bind("source", "target"), "NOT_FOUND", "no exchange 'source' in vhost '/'");
});

test("[queue.unbind] a missing binding, queue or exchange is fine", () => {
  const topology = withQueue();
  unbindQueue(topology.context, binding("x", "q"));
  unbindQueue(topology.context, binding("x", "missing"));
  unbindQueue(topology.context, binding("missing", "q"));
});

for (const [name, command] of COMMANDS) {
  test(`[${name}] the default exchange is 403`, () => {
    const topology = withQueue();
    refused(
      () => command(topology.context, binding("", "q")),
      "ACCESS_REFUSED",
      "operation not permitted on the default exchange",
    );
  });

  test(`[${name}] a direct reply-to queue is 403`, () => {
    const topology = withQueue();
    refused(
      () => command(topology.context, binding("x", "amq.rabbitmq.reply-to.opaque")),
      "ACCESS_REFUSED",
      "cannot bind or unbind to a volatile (direct reply-to) queue",
    );
  });

  test(`[${name}/permissions] needs write on the queue, checked first, and read on the exchange`, () => {
    const topology = withQueue();
    refused(
      () => command(topology.restrictedTo({ configure: ".*" }), binding("x", "q")),
      "ACCESS_REFUSED",
      "write access to queue 'q' in vhost '/' refused for user 'bob'",
    );
    refused(
      () => command(topology.restrictedTo({ write: "q" }), binding("x", "q")),
      "ACCESS_REFUSED",
      "read access to exchange 'x' in vhost '/' refused for user 'bob'",
    );
    command(topology.restrictedTo({ write: "q", read: "x" }), binding("x", "q"));
  });

  test(`[${name}/permissions] a topic exchange needs read access to the routing key too`, () => {
    const topology = withQueue();
    const bob = topology.restrictedTo({ write: ".*", read: ".*" });
    const exchange = "amq.topic";
    topology.permissions.topics.set({ vhost: "/", user: "bob", exchange, write: "", read: "^public" });
    refused(
      () => command(bob, binding(exchange, "q", "secret.#")),
      "ACCESS_REFUSED",
      "read access to topic 'secret.#' in exchange 'amq.topic' in vhost '/' refused for user 'bob'",
    );
    command(bob, binding(exchange, "q", "public.#"));
    topology.permissions.topics.set({ vhost: "/", user: "bob", exchange: "amq.direct", write: "", read: "" });
    command(bob, binding("amq.direct", "q", "secret.#"));
  });

  test(`[${name}/exclusive] another connection's exclusive queue is 405`, () => {
    const topology = withQueue();
    topology.queue("mine", { exclusive: true });
    refused(
      () => command(topology.otherConnection(), binding("x", "mine")),
      "RESOURCE_LOCKED",
      "cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally declared on " +
        "another connection or the exclusive property value does not match that of the original declaration.",
    );
    command(topology.context, binding("x", "mine"));
  });

  test(`[${name}] carriage returns and line feeds are removed from both names`, () => {
    const topology = withQueue();
    command(topology.context, binding("x\n", "q\r"));
    assert.deepEqual(topology.bindings(), name === "queue.bind" ? ["x -key-> q"] : []);
  });
}

test("[queue.bind] arguments the exchange refuses are 406 and bind nothing", () => {
  const topology = withQueue();
  const spec = { ...binding("amq.headers", "q"), arguments: tableFrom({ "x-match": "zz" }) };
  refused(
    () => bindQueue(topology.context, spec),
    "PRECONDITION_FAILED",
    'Invalid x-match field value <<"zz">>; expected all, any, all-with-x, or any-with-x',
  );
  assert.deepEqual(topology.bindings(), []);
});

test("[queue.bind/durable] a binding is stored when queue and exchange are durable", () => {
  const topology = withQueue();
  topology.queue("durable", { durable: true });
  topology.bind("x", "durable");
  topology.bind("amq.direct", "q");
  assert.deepEqual(topology.stored("binding"), []);
  topology.bind("amq.direct", "durable", "key");
  assert.deepEqual(topology.stored("binding"), [
    { vhost: "/", source: "amq.direct", targetKind: "queue", target: "durable", routingKey: "key", arguments: [] },
  ]);
  unbindQueue(topology.context, binding("amq.direct", "durable", "key"));
  assert.deepEqual(topology.stored("binding"), []);
});

test("[queue.unbind] the last binding takes an auto-delete exchange with it", () => {
  const topology = withQueue();
  topology.exchange("temporary", { autoDelete: true, durable: true });
  assert(topology.hasExchange("temporary"), "an exchange that was never bound stays");
  topology.bind("temporary", "q", "key");
  unbindQueue(topology.context, binding("temporary", "q", "missing"));
  assert(topology.hasExchange("temporary"));
  unbindQueue(topology.context, binding("temporary", "q", "key"));
  assert(!topology.hasExchange("temporary"));
  assert.deepEqual(topology.stored("exchange"), []);
});
