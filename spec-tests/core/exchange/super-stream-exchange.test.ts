import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../../src/core/exchange/exchange.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { bind, binding, exchange, matched, message, queue } from "./fixtures.ts";

const ORDER = "x-stream-partition-order";

function superStream(partitions: number): Exchange {
  return exchange("x-super-stream", "x", { arguments: tableFrom({ partitions }) });
}

/** One with all its partitions, p0, p1, … */
function complete(partitions: number): Exchange {
  const x = superStream(partitions);
  for (let order = 0; order < partitions; order++) bind(x, queue(`p${order}`), `${order}`, { [ORDER]: order });
  return x;
}

test("[super-stream] a key leads to one partition, the one that RabbitMQ's stream clients choose", () => {
  const x = complete(3);
  // The table in the tests of RabbitMQ's stream clients for Java, .NET, Go and Python.
  const partitions = { hello1: 1, hello2: 0, hello3: 1, hello4: 2, hello5: 0, hello6: 2, hello10: 2, hello88: 1 };
  for (const [key, partition] of Object.entries(partitions))
    assert.deepEqual(matched(x, message(key)), [`p${partition}`]);
});

test("[super-stream] keys spread evenly over the partitions", () => {
  const x = complete(7);
  const counts = new Map<string, number>();
  for (let key = 0; key < 7000; key++) {
    const [partition] = matched(x, message(`customer ${key}`)) as [string];
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  assert.equal(counts.size, 7);
  for (const count of counts.values()) assert.ok(count > 850 && count < 1150, `${count} of 1000`);
});

test("[super-stream] without its partition a key leads nowhere, and other keys stay where they are", () => {
  const x = complete(3);
  const gone = Array.from(x.bindings).find(({ target }) => target.name === "p1");
  assert.ok(gone !== undefined);
  x.unbindTarget(gone.target);
  assert.deepEqual(
    ["hello1", "hello2", "hello4"].map((key) => matched(x, message(key))),
    [[], ["p0"], ["p2"]],
  );
});

test("[super-stream] binding keys play no part; several targets of a partition get all of it", () => {
  const x = superStream(2);
  for (const name of ["a", "b"]) bind(x, queue(name), "hello1", { [ORDER]: 1 });
  bind(x, queue("c"), "", { [ORDER]: 0 });
  const seen = new Set(["hello1", "hello2", "hello3", "hello4"].map((key) => matched(x, message(key)).join()));
  assert.deepEqual([...seen].sort(), ["a,b", "c"]);
});

test("[super-stream] a binding that does not say which partition it leads to is refused", () => {
  const x = superStream(2);
  for (const order of [undefined, -1, 2, "0", true]) {
    const bindingArguments = order === undefined ? {} : { [ORDER]: order };
    assert.throws(() => x.bind(binding(x, queue("q"), "k", bindingArguments)), {
      message: "a binding to super stream 'x' needs an x-stream-partition-order from 0 to 1",
    });
  }
  assert.equal(x.bindingCount, 0);
});
