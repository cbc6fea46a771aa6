import assert from "node:assert/strict";
import { test } from "node:test";
import { bindExchange } from "../../../src/core/commands/bind-exchange.ts";
import { unbindExchange } from "../../../src/core/commands/unbind-exchange.ts";
import { EMPTY_TABLE, tableFrom } from "../../../src/wire/field-table.ts";
import { refused, Topology } from "./topology.ts";

const COMMANDS = [
  ["exchange.bind", bindExchange],
  ["exchange.unbind", unbindExchange],
] as const;

function between(source: string, destination: string, routingKey = "") {
  return { source, destination, routingKey, arguments: EMPTY_TABLE };
}

test("[exchange.bind] adds a binding once, [exchange.unbind] removes it", () => {
  const topology = new Topology();
  topology.exchange("a");
  topology.exchange("b");
  bindExchange(topology.context, between("a", "b", "key"));
  bindExchange(topology.context, between("a", "b", "key"));
  assert.deepEqual(topology.bindings(), ["a -key-> b"]);
  unbindExchange(topology.context, between("a", "b", "other"));
  assert.deepEqual(topology.bindings(), ["a -key-> b"]);
  unbindExchange(topology.context, between("a", "b", "key"));
  assert.deepEqual(topology.bindings(), []);
});

test("[exchange.bind] cycles and bindings of an exchange to itself are allowed", () => {
  const topology = new Topology();
  topology.exchange("a");
  topology.exchange("b");
  topology.bindExchanges("a", "b");
  topology.bindExchanges("b", "a");
  topology.bindExchanges("a", "a");
  assert.equal(topology.bindings().length, 3);
});

test("[exchange.bind] a missing exchange is 404, the source first", () => {
  const topology = new Topology();
  topology.exchange("x");
  const bind = (source: string, destination: string) => () =>
    bindExchange(topology.context, between(source, destination));
  refused(bind("missing", "x"), "NOT_FOUND", "no exchange 'missing' in vhost '/'");
  refused(bind("x", "missing"), "NOT_FOUND", "no exchange 'missing' in vhost '/'");
  refused(bind("source", "destination"), "NOT_FOUND", "no exchange 'source' in vhost '/'");
});

test("[exchange.unbind] missing exchanges are fine", () => {
  const topology = new Topology();
  topology.exchange("x");
  unbindExchange(topology.context, between("x", "missing"));
  unbindExchange(topology.context, between("missing", "x"));
});

for (const [name, command] of COMMANDS) {
  test(`[${name}] the default exchange is 403 on either side`, () => {
    const topology = new Topology();
    topology.exchange("x");
    for (const [source, destination] of [
      ["", "x"],
      ["x", ""],
    ] as const) {
      refused(
        () => command(topology.context, between(source, destination)),
        "ACCESS_REFUSED",
        "operation not permitted on the default exchange",
      );
    }
  });

  test(`[${name}/permissions] needs write on the destination, checked first, and read on the source`, () => {
    const topology = new Topology();
    topology.exchange("a");
    topology.exchange("b");
    refused(
      () => command(topology.restrictedTo({ configure: ".*", write: "^a$", read: "^b$" }), between("a", "b")),
      "ACCESS_REFUSED",
      "write access to exchange 'b' in vhost '/' refused for user 'bob'",
    );
    refused(
      () => command(topology.restrictedTo({ configure: ".*", write: "^b$" }), between("a", "b")),
      "ACCESS_REFUSED",
      "read access to exchange 'a' in vhost '/' refused for user 'bob'",
    );
    command(topology.restrictedTo({ write: "^b$", read: "^a$" }), between("a", "b"));
  });

  test(`[${name}] carriage returns and line feeds are removed from both names`, () => {
    const topology = new Topology();
    topology.exchange("a");
    topology.exchange("b");
    command(topology.context, between("a\n", "\rb"));
    assert.deepEqual(topology.bindings(), name === "exchange.bind" ? ["a --> b"] : []);
  });
}

test("[exchange.bind] arguments are part of the identity, whatever their order", () => {
  const topology = new Topology();
  topology.exchange("a", { durable: true });
  topology.exchange("b", { durable: true });
  const bind = (table: Record<string, number>) =>
    bindExchange(topology.context, { ...between("a", "b"), arguments: tableFrom(table) });
  bind({ one: 1, two: 2 });
  bind({ two: 2, one: 1 });
  bind({ one: 1, two: 3 });
  assert.equal(topology.stored("binding").length, 2);
  unbindExchange(topology.context, { ...between("a", "b"), arguments: tableFrom({ two: 2, one: 1 }) });
  assert.deepEqual(
    topology.stored("binding").map((value) => (value as { arguments: unknown }).arguments),
    [
      [
        ["one", "long", "1"],
        ["two", "long", "3"],
      ],
    ],
  );
});

test("[exchange.bind/durable] a binding is stored when both exchanges are durable", () => {
  const topology = new Topology();
  topology.exchange("durable", { durable: true });
  topology.exchange("transient");
  topology.bindExchanges("durable", "transient");
  topology.bindExchanges("transient", "durable");
  assert.deepEqual(topology.stored("binding"), []);
  topology.bindExchanges("amq.topic", "durable", "a.*");
  assert.deepEqual(topology.stored("binding"), [
    { vhost: "/", source: "amq.topic", targetKind: "exchange", target: "durable", routingKey: "a.*", arguments: [] },
  ]);
});

test("[exchange.unbind] the last binding takes an auto-delete source with it, and that its own sources", () => {
  const topology = new Topology();
  topology.exchange("first", { autoDelete: true });
  topology.exchange("second", { autoDelete: true });
  topology.exchange("last");
  topology.bindExchanges("first", "second");
  topology.bindExchanges("second", "last", "1");
  topology.bindExchanges("second", "last", "2");
  unbindExchange(topology.context, between("second", "last", "1"));
  assert(topology.hasExchange("second"));
  unbindExchange(topology.context, between("second", "last", "2"));
  assert.deepEqual(
    ["first", "second", "last"].map((name) => topology.hasExchange(name)),
    [false, false, true],
  );
});
