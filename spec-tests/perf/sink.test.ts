import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Sink } from "../bench/sink.ts";
import { throughput } from "./perf-run.ts";

async function startSink(context: TestContext): Promise<{ sink: Sink; uri: string }> {
  const sink = await Sink.listen(16);
  context.after(() => sink.close());
  return { sink, uri: `amqp://127.0.0.1:${sink.port}` };
}

test("[perf/count] what publishers count is what arrives", async (context) => {
  for (const options of [{}, { size: 1000 }, { size: 200_000 }, { confirms: 100 }, { publishers: 3, confirms: 7 }]) {
    const { sink, uri } = await startSink(context);
    const result = await throughput({ uri, consumers: 0, messages: 2000, ...options });
    assert.equal(result.published, 2000);
    assert.equal(sink.received, 2000);
    assert.equal(result.confirmed, "confirms" in options ? 2000 : 0);
  }
});

test("[perf/ack] an acknowledgement is sent for each batch, and one for the rest", async (context) => {
  for (const [ack, expected] of [
    [0, 0],
    [1, 1000],
    [10, 100],
    [300, 4],
  ] as const) {
    const { sink, uri } = await startSink(context);
    const result = await throughput({ uri, publishers: 0, messages: 1000, ack });
    assert.equal(result.consumed, 1000);
    assert.equal(sink.acknowledgements, expected);
  }
});
