import { test } from "node:test";
import {
  EMPTY_TABLE,
  type FieldTable,
  type FieldValue,
  long,
  longstr,
  tableFrom,
} from "../../../src/wire/field-table.ts";
import { refused, Topology } from "./topology.ts";

function redeclare(current: FieldTable, received: FieldTable): () => void {
  const topology = new Topology();
  topology.queue("q", { arguments: current });
  return () => {
    topology.queue("q", { arguments: received });
  };
}

function only(name: string, field: FieldValue): FieldTable {
  return new Map([[name, field]]);
}

function inequivalent(key: string, received: string, current: string): string {
  return `inequivalent arg '${key}' for queue 'q' in vhost '/': received ${received} but current is ${current}`;
}

const TTL_1000 = only("x-message-ttl", { type: "signedint", value: 1000 });

test("[queue.declare/equivalence] durable is compared before auto_delete, auto_delete before arguments", () => {
  const topology = new Topology();
  topology.queue("q", { durable: true });
  refused(
    () => topology.queue("q", { durable: false, autoDelete: true, arguments: TTL_1000 }),
    "PRECONDITION_FAILED",
    inequivalent("durable", "'false'", "'true'"),
  );
  refused(
    () => topology.queue("q", { durable: true, autoDelete: true, arguments: TTL_1000 }),
    "PRECONDITION_FAILED",
    inequivalent("auto_delete", "'true'", "'false'"),
  );
});

test("[queue.declare/equivalence] an argument on one side only is printed with its type, the other as none", () => {
  const text = "the value '1000' of type 'signedint'";
  refused(redeclare(EMPTY_TABLE, TTL_1000), "PRECONDITION_FAILED", inequivalent("x-message-ttl", text, "none"));
  refused(redeclare(TTL_1000, EMPTY_TABLE), "PRECONDITION_FAILED", inequivalent("x-message-ttl", "none", text));
});

test("[queue.declare/equivalence] an argument with another value is printed without its type", () => {
  refused(
    redeclare(TTL_1000, only("x-message-ttl", long(2000))),
    "PRECONDITION_FAILED",
    inequivalent("x-message-ttl", "'2000'", "'1000'"),
  );
});

test("[queue.declare/equivalence] integers are compared by value, whatever their width", () => {
  redeclare(TTL_1000, only("x-message-ttl", long(1000)))();
  redeclare(TTL_1000, only("x-message-ttl", { type: "unsignedshort", value: 1000 }))();
});

test("[queue.declare/equivalence] an integer is neither a float nor a string", () => {
  refused(
    redeclare(TTL_1000, only("x-message-ttl", { type: "double", value: 1000 })),
    "PRECONDITION_FAILED",
    inequivalent("x-message-ttl", "'1000.0'", "'1000'"),
  );
  refused(
    redeclare(TTL_1000, only("x-message-ttl", longstr("1000"))),
    "PRECONDITION_FAILED",
    inequivalent("x-message-ttl", "'1000'", "'1000'"),
  );
});

test("[queue.declare/equivalence] no x-queue-type is the same as classic", () => {
  const classic = only("x-queue-type", longstr("classic"));
  redeclare(EMPTY_TABLE, classic)();
  redeclare(classic, EMPTY_TABLE)();
  refused(
    redeclare(EMPTY_TABLE, only("x-queue-type", longstr("quorum"))),
    "PRECONDITION_FAILED",
    inequivalent("x-queue-type", "'quorum'", "'classic'"),
  );
  refused(
    redeclare(classic, only("x-queue-type", longstr("quorum"))),
    "PRECONDITION_FAILED",
    inequivalent("x-queue-type", "'quorum'", "'classic'"),
  );
});

test("[queue.declare/equivalence] arguments a classic queue does not know are not compared", () => {
  redeclare(EMPTY_TABLE, tableFrom({ "x-unheard-of": 1, "x-max-age": "1D" }))();
  redeclare(tableFrom({ "x-unheard-of": 1 }), tableFrom({ "x-unheard-of": 2 }))();
});

test("[queue.declare/equivalence] arguments are compared in RabbitMQ's order", () => {
  const received = tableFrom({ "x-max-priority": 5, "x-max-length": 5, "x-expires": 5 });
  refused(
    redeclare(EMPTY_TABLE, received),
    "PRECONDITION_FAILED",
    inequivalent("x-expires", "the value '5' of type 'long'", "none"),
  );
});

test("[queue.declare/equivalence] values of any type are printed as RabbitMQ prints them", () => {
  const printed: readonly (readonly [FieldValue, string])[] = [
    [{ type: "bool", value: true }, "true"],
    [{ type: "float", value: 1.5 }, "1.5"],
    [{ type: "decimal", value: { scale: 2, unscaled: 314 } }, "{2,314}"],
    [{ type: "void", value: null }, "undefined"],
    [{ type: "binary", value: Buffer.from("abc") }, "abc"],
    [{ type: "timestamp", value: 5n }, "5"],
    [{ type: "array", value: [longstr("a"), long(1)] }, `[{longstr,<<"a">>},{long,1}]`],
    [{ type: "table", value: tableFrom({ k: "v", n: 1 }) }, `[{<<"k">>,longstr,<<"v">>},{<<"n">>,long,1}]`],
  ];
  for (const [field, text] of printed) {
    refused(
      redeclare(EMPTY_TABLE, only("x-queue-mode", field)),
      "PRECONDITION_FAILED",
      inequivalent("x-queue-mode", `the value '${text}' of type '${field.type}'`, "none"),
    );
  }
});
