import assert from "node:assert/strict";
import { test } from "node:test";
import type { Binding } from "../../../src/core/exchange/exchange.ts";
import { InboundBindings } from "../../../src/core/inbound-bindings.ts";
import { EMPTY_TABLE } from "../../../src/wire/field-table.ts";
import { Topology } from "./topology.ts";

test("[vhost] an exchange counts as a source of a target until its last binding to it is gone", () => {
  const { vhost } = new Topology();
  const [source, target] = [vhost.requireExchange("amq.topic"), vhost.requireExchange("amq.fanout")];
  const [one, two] = ["one", "two"].map(
    (routingKey): Binding => ({ source, target, routingKey, arguments: EMPTY_TABLE }),
  ) as [Binding, Binding];
  const inbound = new InboundBindings();
  inbound.add(one);
  inbound.add(two);
  assert.deepEqual(inbound.sourcesOf(target), [source]);
  assert.deepEqual(inbound.sourcesOf(source), []);
  inbound.remove(one);
  assert.deepEqual(inbound.sourcesOf(target), [source]);
  inbound.remove(two);
  assert.deepEqual(inbound.sourcesOf(target), []);
});
