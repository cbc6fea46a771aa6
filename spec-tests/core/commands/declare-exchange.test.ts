import assert from "node:assert/strict";
import { test } from "node:test";
import { declareExchange } from "../../../src/core/commands/declare-exchange.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { exchangeSpec, refused, Topology } from "./topology.ts";

test("[exchange.declare] creates an exchange with the given properties", () => {
  const topology = new Topology();
  topology.exchange("x", { type: "topic", durable: true, autoDelete: true, internal: true });
  const { type, durable, autoDelete, internal } = topology.vhost.requireExchange("x");
  assert.deepEqual([type, durable, autoDelete, internal], ["topic", true, true, true]);
});

test("[exchange.declare] an equal redeclare changes nothing", () => {
  const topology = new Topology();
  topology.exchange("x", { type: "fanout", durable: true });
  const { topologyGeneration } = topology.vhost;
  topology.exchange("x", { type: "fanout", durable: true });
  assert.equal(topology.vhost.topologyGeneration, topologyGeneration);
  assert.equal(topology.stored("exchange").length, 1);
});

test("[exchange.declare/type] an unknown type is 406, before the name is looked at", () => {
  const topology = new Topology();
  refused(() => topology.exchange("", { type: "foo" }), "PRECONDITION_FAILED", "unknown exchange type 'foo'");
});

test("[exchange.declare] the default exchange is 403, passively too, and before permissions", () => {
  const topology = new Topology();
  const nobody = topology.restrictedTo({});
  for (const passive of [false, true]) {
    for (const name of ["", "\r\n"]) {
      refused(
        () => declareExchange(nobody, exchangeSpec(name, { passive })),
        "ACCESS_REFUSED",
        "operation not permitted on the default exchange",
      );
    }
  }
});

test("[exchange.declare/reserved] creating amq.* is 403, redeclaring a predeclared exchange is fine", () => {
  const topology = new Topology();
  refused(
    () => topology.exchange("amq.mine"),
    "ACCESS_REFUSED",
    "exchange name 'amq.mine' contains reserved prefix 'amq.*'",
  );
  topology.exchange("amq.topic", { type: "topic", durable: true });
});

test("[exchange.declare] carriage returns and line feeds are removed from the name", () => {
  const topology = new Topology();
  topology.exchange("a\r\nb\n");
  assert(topology.hasExchange("ab"));
});

test("[exchange.declare] a name of more than 255 octets is 406", () => {
  const topology = new Topology();
  topology.exchange("x".repeat(255));
  refused(() => topology.exchange("é".repeat(128)), "PRECONDITION_FAILED", "exchange name is longer than 255 octets");
});

test("[exchange.declare/passive] a missing exchange is 404", () => {
  const topology = new Topology();
  refused(() => topology.exchange("x", { passive: true }), "NOT_FOUND", "no exchange 'x' in vhost '/'");
});

test("[exchange.declare/passive] nothing but the name matters", () => {
  const topology = new Topology();
  topology.exchange("x", { type: "topic", durable: true });
  topology.exchange("x", { type: "no such type", passive: true });
});

test("[exchange.declare/permissions] creating needs configure", () => {
  const topology = new Topology();
  const bob = topology.restrictedTo({ write: ".*", read: ".*" });
  refused(
    () => declareExchange(bob, exchangeSpec("x")),
    "ACCESS_REFUSED",
    "configure access to exchange 'x' in vhost '/' refused for user 'bob'",
  );
});

test("[exchange.declare/permissions] a passive declare needs any of configure, write and read", () => {
  const topology = new Topology();
  topology.exchange("x");
  for (const access of [{ configure: "^x$" }, { write: "^x$" }, { read: "^x$" }]) {
    declareExchange(topology.restrictedTo(access), exchangeSpec("x", { passive: true }));
  }
  const nobody = topology.restrictedTo({});
  for (const name of ["x", "missing"]) {
    refused(
      () => declareExchange(nobody, exchangeSpec(name, { passive: true })),
      "ACCESS_REFUSED",
      `configure access to exchange '${name}' in vhost '/' refused for user 'bob'`,
    );
  }
});

test("[exchange.declare/equivalence] the first property that differs is named, both values printed", () => {
  const topology = new Topology();
  topology.exchange("x", { type: "topic" });
  const differing = { durable: true, autoDelete: true, internal: true, arguments: aeTable("ae") };
  const inequivalent = (key: string, values: string) =>
    `inequivalent arg '${key}' for exchange 'x' in vhost '/': received ${values}`;
  const cases = [
    ["type", { type: "fanout", ...differing }, "'fanout' but current is 'topic'"],
    ["durable", { type: "topic", ...differing }, "'true' but current is 'false'"],
    ["auto_delete", { type: "topic", ...differing, durable: false }, "'true' but current is 'false'"],
    ["internal", { type: "topic", internal: true, arguments: aeTable("ae") }, "'true' but current is 'false'"],
    [
      "alternate-exchange",
      { type: "topic", arguments: aeTable("ae") },
      "the value 'ae' of type 'longstr' but current is none",
    ],
  ] as const;
  for (const [key, spec, values] of cases) {
    refused(() => topology.exchange("x", spec), "PRECONDITION_FAILED", inequivalent(key, values));
  }
});

test("[exchange.declare/equivalence] alternate-exchange is the only argument that is compared", () => {
  const topology = new Topology();
  topology.exchange("x", { arguments: aeTable("one") });
  refused(
    () => topology.exchange("x", { arguments: aeTable("two") }),
    "PRECONDITION_FAILED",
    "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost '/': received 'two' but current is 'one'",
  );
  topology.exchange("x", { arguments: new Map([...aeTable("one"), ...tableFrom({ "x-other": 1 })]) });
});

test("[exchange.declare/alternate-exchange] must be a string", () => {
  const topology = new Topology();
  refused(
    () => topology.exchange("x", { arguments: new Map([["alternate-exchange", { type: "signedint", value: 1 }]]) }),
    "PRECONDITION_FAILED",
    "invalid type 'signedint' for arg 'alternate-exchange' in exchange 'x' in vhost '/'",
  );
});

test("[exchange.declare/alternate-exchange] needs read on the exchange and write on the alternate", () => {
  const topology = new Topology();
  const spec = exchangeSpec("x", { arguments: aeTable("ae") });
  refused(
    () => declareExchange(topology.restrictedTo({ configure: "x", write: "ae" }), spec),
    "ACCESS_REFUSED",
    "read access to exchange 'x' in vhost '/' refused for user 'bob'",
  );
  refused(
    () => declareExchange(topology.restrictedTo({ configure: "x", read: "x" }), spec),
    "ACCESS_REFUSED",
    "write access to exchange 'ae' in vhost '/' refused for user 'bob'",
  );
  declareExchange(topology.restrictedTo({ configure: "x", read: "x", write: "ae" }), spec);
  assert.equal(topology.vhost.requireExchange("x").alternateExchange, "ae");
});

test("[exchange.declare] one exchange more than the limit is 406, redeclaring at the limit is not", () => {
  const topology = new Topology({ exchangesMax: 8 });
  topology.exchange("x");
  topology.exchange("x");
  refused(
    () => topology.exchange("y"),
    "PRECONDITION_FAILED",
    "cannot declare exchange 'y' in vhost '/': exchange limit of 8 is reached",
  );
});

test("[exchange.declare/durable] only durable exchanges are stored", () => {
  const topology = new Topology();
  topology.exchange("transient");
  topology.exchange("durable", { type: "topic", durable: true, arguments: aeTable("ae") });
  assert.deepEqual(topology.stored("exchange"), [
    {
      vhost: "/",
      name: "durable",
      type: "topic",
      autoDelete: false,
      internal: false,
      arguments: [["alternate-exchange", "longstr", "ae"]],
    },
  ]);
});

function aeTable(name: string) {
  return tableFrom({ "alternate-exchange": name });
}
