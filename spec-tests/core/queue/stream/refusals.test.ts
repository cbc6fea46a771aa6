import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerError } from "../../../../src/core/errors.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { type FieldValue, longstr } from "../../../../src/wire/field-table.ts";
import { type ConsumeOptions, Reader, StreamBench } from "./stream-bench.ts";

function refusal(act: (bench: StreamBench) => void): [number, string, string] {
  const bench = new StreamBench(new MemoryStore());
  try {
    act(bench);
  } catch (error) {
    if (error instanceof BrokerError) return [error.replyCode, error.scope, error.message];
    throw error;
  }
  throw new Error("it was let through");
}

function refusedConsume(options: ConsumeOptions): [number, string, string] {
  return refusal((bench) => bench.consume(new Reader(), options));
}

test("[stream/basic.consume] a consumer needs a prefetch count", () => {
  const text = "consumer prefetch count is not set for stream queue 's' in vhost '/'";
  assert.deepEqual(refusedConsume({ prefetch: 0 }), [406, "channel", text]);
  assert.deepEqual(refusedConsume({ prefetch: 0, noAck: true }), [406, "channel", text], "and that is checked first");
});

test("[stream/basic.consume] a consumer acknowledges", () => {
  const text = "automatic acknowledgement not supported by stream queue 's' in vhost '/'";
  assert.deepEqual(refusedConsume({ noAck: true }), [540, "connection", text]);
});

test("[stream/basic.get, stream/queue.purge] a stream has neither", () => {
  const get = "basic.get not supported by stream queues queue 's' in vhost '/'";
  assert.deepEqual(
    refusal(({ stream }) => stream.get()),
    [540, "connection", get],
  );
  const purge = "queue.purge not supported by stream queues queue 's' in vhost '/'";
  assert.deepEqual(
    refusal(({ stream }) => stream.purge()),
    [540, "connection", purge],
  );
});

test("[stream/x-stream-offset] a value that is none of its forms is refused", () => {
  const refused: [FieldValue, string][] = [
    [longstr("zzz"), '{longstr,<<"zzz">>}'],
    [longstr("3"), '{longstr,<<"3">>}'],
    [longstr("1w"), '{longstr,<<"1w">>}'],
    [longstr("0s"), '{longstr,<<"0s">>}'],
    [longstr("First"), '{longstr,<<"First">>}'],
    [longstr(""), "{longstr,<<>>}"],
    [{ type: "bool", value: true }, "{bool,true}"],
    [{ type: "double", value: 1.5 }, "{double,1.5}"],
  ];
  for (const [value, term] of refused) {
    assert.deepEqual(refusedConsume({ arguments: new Map([["x-stream-offset", value]]) }), [
      406,
      "channel",
      `invalid arg 'x-stream-offset' for queue 's' in vhost '/': {invalid_stream_offset_arg,${term}}`,
    ]);
  }
});

test("[stream/x-stream-filter] an array without a string is refused: it would match nothing for ever", () => {
  for (const values of [[], [5]]) {
    const text = "invalid arg 'x-stream-filter' for queue 's' in vhost '/': no_filter_values";
    assert.deepEqual(refusedConsume({ arguments: { "x-stream-filter": values } }), [406, "channel", text]);
  }
});

test("[stream/basic.consume] an exclusive consumer is let in and keeps nobody out", () => {
  const bench = new StreamBench(new MemoryStore());
  for (const exclusive of [true, true, false]) bench.consume(new Reader(), { exclusive });
  assert.equal(bench.stream.consumerCount, 3);
});
