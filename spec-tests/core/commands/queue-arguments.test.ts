import assert from "node:assert/strict";
import { test } from "node:test";
import { bool, type FieldValue, long, longstr, tableFrom } from "../../../src/wire/field-table.ts";
import { refused, Topology } from "./topology.ts";

const TEN_YEARS = 315_360_000_000;

function int(value: number): FieldValue {
  return { type: "signedint", value };
}

const REFUSED: readonly (readonly [name: string, field: FieldValue, reason: string])[] = [
  ["x-queue-type", longstr("foo"), `"unsupported queue type 'foo'"`],
  ["x-queue-type", int(1), "{unacceptable_type,signedint}"],
  ["x-message-ttl", longstr("1000"), `"expected integer, got longstr"`],
  ["x-message-ttl", { type: "double", value: 1 }, `"expected integer, got double"`],
  ["x-message-ttl", { type: "timestamp", value: 1n }, `"expected integer, got timestamp"`],
  ["x-message-ttl", int(-1), "{value_negative,-1}"],
  ["x-message-ttl", long(TEN_YEARS + 1), `{value_too_large,${TEN_YEARS + 1}}`],
  ["x-expires", int(0), "{value_zero,0}"],
  ["x-expires", long(0), "{value_zero,0}"],
  ["x-expires", int(-5), "{value_negative,-5}"],
  ["x-expires", long(TEN_YEARS + 1), `{value_too_large,${TEN_YEARS + 1}}`],
  ["x-expires", bool(true), `"expected integer, got bool"`],
  ["x-max-length", int(-1), "{value_negative,-1}"],
  ["x-max-length", longstr("5"), `"expected integer, got longstr"`],
  ["x-max-length-bytes", long(-1), "{value_negative,-1}"],
  ["x-overflow", longstr("explode"), "invalid_overflow"],
  ["x-overflow", int(1), "{unacceptable_type,signedint}"],
  ["x-dead-letter-routing-key", longstr("key"), "routing_key_but_no_dlx_defined"],
  ["x-dead-letter-routing-key", int(1), "{unacceptable_type,signedint}"],
  ["x-max-priority", int(256), "{max_value_exceeded,256}"],
  ["x-max-priority", int(-1), "{value_negative,-1}"],
  ["x-max-priority", longstr("5"), `"expected integer, got longstr"`],
  ["x-single-active-consumer", longstr("true"), "{unacceptable_type,longstr}"],
  ["x-queue-version", int(1), `"unsupported queue version '1'"`],
  ["x-queue-leader-locator", longstr("nearest"), "invalid_queue_locator_arg"],
];

const TAKEN: readonly (readonly [name: string, field: FieldValue])[] = [
  ["x-queue-type", longstr("classic")],
  ["x-message-ttl", { type: "byte", value: 0 }],
  ["x-message-ttl", long(TEN_YEARS)],
  ["x-expires", { type: "unsignedshort", value: 1 }],
  ["x-max-length", { type: "unsignedint", value: 0 }],
  ["x-max-length-bytes", long(2n ** 62n)],
  ["x-overflow", longstr("drop-head")],
  ["x-overflow", longstr("reject-publish")],
  ["x-overflow", longstr("reject-publish-dlx")],
  ["x-dead-letter-exchange", longstr("")],
  ["x-max-priority", int(0)],
  ["x-max-priority", int(255)],
  ["x-single-active-consumer", bool(false)],
  ["x-queue-mode", longstr("lazy")],
  ["x-queue-version", int(2)],
  ["x-queue-leader-locator", longstr("balanced")],
  ["x-queue-leader-locator", longstr("client-local")],
  ["x-unheard-of", int(1)],
];

for (const [name, field, reason] of REFUSED) {
  test(`[queue.declare/arguments] ${name} of ${field.type} ${field.value} is 406 ${reason}`, () => {
    const topology = new Topology();
    refused(
      () => topology.queue("q", { arguments: new Map([[name, field]]) }),
      "PRECONDITION_FAILED",
      `invalid arg '${name}' for queue 'q' in vhost '/': ${reason}`,
    );
    assert(!topology.hasQueue("q"));
  });
}

for (const [name, field] of TAKEN) {
  test(`[queue.declare/arguments] ${name} of ${field.type} '${field.value}' is taken and kept`, () => {
    const topology = new Topology();
    topology.queue("q", { arguments: new Map([[name, field]]) });
    assert.deepEqual(topology.fakeQueue("q").arguments.get(name), field);
  });
}

test("[queue.declare/arguments] x-dead-letter-exchange must be a string, checked before all other arguments", () => {
  const topology = new Topology();
  const table = new Map([
    ["x-queue-type", longstr("foo")],
    ["x-dead-letter-exchange", int(1)],
  ]);
  refused(
    () => topology.queue("q", { arguments: table }),
    "PRECONDITION_FAILED",
    "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'",
  );
});

test("[queue.declare/arguments] x-dead-letter-routing-key is fine beside x-dead-letter-exchange", () => {
  const topology = new Topology();
  topology.queue("q", { arguments: tableFrom({ "x-dead-letter-routing-key": "k", "x-dead-letter-exchange": "x" }) });
});

test("[queue.declare/arguments] x-queue-type is checked before other arguments, those of other types last", () => {
  const topology = new Topology();
  const declare = (table: Record<string, string | number>) => () =>
    topology.queue("q", { arguments: tableFrom(table) });
  refused(
    declare({ "x-max-age": "1D", "x-expires": 0, "x-queue-type": "foo" }),
    "PRECONDITION_FAILED",
    `invalid arg 'x-queue-type' for queue 'q' in vhost '/': "unsupported queue type 'foo'"`,
  );
  refused(
    declare({ "x-max-age": "1D", "x-expires": 0 }),
    "PRECONDITION_FAILED",
    "invalid arg 'x-expires' for queue 'q' in vhost '/': {value_zero,0}",
  );
  refused(
    declare({ "x-max-age": "1D" }),
    "PRECONDITION_FAILED",
    "invalid arg 'x-max-age' for queue 'q' in vhost '/' of queue type rabbit_classic_queue",
  );
});

for (const name of [
  "x-delivery-limit",
  "x-consumer-timeout",
  "x-quorum-initial-group-size",
  "x-initial-cluster-size",
]) {
  test(`[queue.declare/arguments] ${name} is none of a classic queue's: 406`, () => {
    const topology = new Topology();
    refused(
      () => topology.queue("q", { arguments: tableFrom({ [name]: 3 }) }),
      "PRECONDITION_FAILED",
      `invalid arg '${name}' for queue 'q' in vhost '/' of queue type rabbit_classic_queue`,
    );
  });
}

test("[queue.declare/arguments] x-queue-master-locator is 541: the feature is gone", () => {
  const topology = new Topology();
  refused(
    () => topology.queue("q", { arguments: tableFrom({ "x-queue-master-locator": "min-masters" }) }),
    "INTERNAL_ERROR",
    "Feature `queue_master_locator` is deprecated.\nBy default, this feature is not permitted anymore.",
  );
});
