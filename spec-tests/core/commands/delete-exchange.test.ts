import assert from "node:assert/strict";
import { test } from "node:test";
import { deleteExchange } from "../../../src/core/commands/delete-exchange.ts";
import { refused, Topology } from "./topology.ts";

test("[exchange.delete] removes the exchange and the bindings from and to it", () => {
  const topology = new Topology();
  for (const name of ["upstream", "x", "downstream"]) topology.exchange(name, { durable: true });
  topology.queue("q", { durable: true });
  topology.bindExchanges("upstream", "x", "1");
  topology.bindExchanges("upstream", "downstream", "2");
  topology.bindExchanges("x", "downstream", "3");
  topology.bind("x", "q", "4");
  deleteExchange(topology.context, { name: "x", ifUnused: false });
  assert(!topology.hasExchange("x"));
  assert.deepEqual(topology.bindings(), ["upstream -2-> downstream"]);
  assert.equal(topology.stored("binding").length, 1);
  assert.equal(topology.stored("exchange").length, 2);
});

test("[exchange.delete] one that is not there is fine", () => {
  const topology = new Topology();
  deleteExchange(topology.context, { name: "x", ifUnused: true });
});

test("[exchange.delete] carriage returns and line feeds are removed from the name", () => {
  const topology = new Topology();
  topology.exchange("x");
  deleteExchange(topology.context, { name: "\rx\n", ifUnused: false });
  assert(!topology.hasExchange("x"));
});

test("[exchange.delete] the default exchange is 403", () => {
  const topology = new Topology();
  refused(
    () => deleteExchange(topology.context, { name: "", ifUnused: false }),
    "ACCESS_REFUSED",
    "operation not permitted on the default exchange",
  );
});

test("[exchange.delete/reserved] any amq.* exchange is 403, missing ones included", () => {
  const topology = new Topology();
  for (const name of ["amq.direct", "amq.missing"]) {
    refused(
      () => deleteExchange(topology.context, { name, ifUnused: false }),
      "ACCESS_REFUSED",
      `deletion of system exchange '${name}' in vhost '/' not allowed`,
    );
  }
});

test("[exchange.delete/permissions] needs configure, for a missing exchange too", () => {
  const topology = new Topology();
  const bob = topology.restrictedTo({ write: ".*", read: ".*" });
  refused(
    () => deleteExchange(bob, { name: "x", ifUnused: false }),
    "ACCESS_REFUSED",
    "configure access to exchange 'x' in vhost '/' refused for user 'bob'",
  );
});

test("[exchange.delete/if-unused] only bindings with the exchange as source count", () => {
  const topology = new Topology();
  topology.exchange("source");
  topology.exchange("destination");
  topology.bindExchanges("source", "destination");
  refused(
    () => deleteExchange(topology.context, { name: "source", ifUnused: true }),
    "PRECONDITION_FAILED",
    "exchange 'source' in vhost '/' in use",
  );
  deleteExchange(topology.context, { name: "destination", ifUnused: true });
  deleteExchange(topology.context, { name: "source", ifUnused: true });
});
