import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBrokerUri } from "../../src/perf/broker-uri.ts";
import type { Mode } from "../../src/perf/command-line.ts";
import { parseOptions } from "../../src/perf/options.ts";

type Refusal = readonly [options: Readonly<Record<string, unknown>>, text: string | RegExp, mode?: Mode];

const REFUSED: readonly Refusal[] = [
  [{ size: -1 }, "--size is -1, but must be an integer from 0 to 536870912"],
  [{ size: 1.5 }, /^--size is 1.5/],
  [{ prefetch: 65_536 }, "--prefetch is 65536, but must be an integer from 0 to 65535"],
  [{ duration: Number.NaN }, "--duration is NaN, but must be a number from 0 to 1000000"],
  [{ publishers: 0, consumers: 0 }, /nothing to do/],
  [{ latency: true, size: 7 }, "--latency needs a --size of at least 8"],
  [{ ack: 10, prefetch: 5 }, /no message would ever be acknowledged/],
  [{ queue: "" }, /without --exchange/],
  [{ queue: "", exchange: "amq.fanout", consumers: 0 }, /without consumers/],
  [{ exclusive: true, consumers: 2 }, /--exclusive/],
  [{ "queue-pattern": "plain" }, '--queue-pattern is "plain", but must contain %d'],
  [{ "queue-pattern": "%d", "queue-pattern-from": 2, "queue-pattern-to": 1 }, /less than/],
  [{ "queue-args": "{" }, /^--queue-args is not JSON/],
  [{ "queue-args": "[]" }, "--queue-args is not a JSON object"],
  [{ "consumer-args": "first" }, /^--consumer-args is not JSON/],
  [{ uri: "http://host" }, /is not a URI like amqp:/],
  [{ uri: "nonsense" }, /is not a URI like amqp:/],
  [{ uri: "amqp://%zz@host" }, /is not a URI like amqp:/],
  [{ size: "many" }, '--size is "many", but must be an integer from 0 to 536870912'],
  [{ size: "" }, '--size is "", but must be an integer from 0 to 536870912'],
  [{ size: "0x10" }, '--size is "0x10", but must be an integer from 0 to 536870912'],
  [{ rate: "-5" }, "--rate is -5, but must be a number from 0 to 9007199254740991"],
  [{ duration: "1000001" }, "--duration is 1000001, but must be a number from 0 to 1000000"],
  [{ json: "maybe" }, '--json is "maybe", but must be true or false'],
  [{ "queue-pattern-to": 5 }, "--queue-pattern-from and --queue-pattern-to need --queue-pattern"],
  [{ polling: true, prefetch: 5 }, "--prefetch means nothing with --polling: basic.get has no limit"],
  [{ polling: true, "consumer-args": '{"x-priority":1}' }, "--consumer-args means nothing with --polling"],
  [{ workers: -1 }, /^--workers is -1/, "queue-churn"],
  [{ workers: 0 }, "--workers is 0: there is nothing to do", "queue-churn"],
  [{ publishers: 2 }, "--publishers means nothing in queue-churn, only in throughput", "queue-churn"],
  [{ durable: false }, /^--durable means nothing in channel-churn, only in throughput, rpc, /, "channel-churn"],
  [{ latency: true }, "--latency means nothing in rpc, only in throughput", "rpc"],
  [{ clients: 2 }, "--clients means nothing in throughput, only in rpc"],
  [{ clients: 0, responders: 0 }, /nothing to do/, "rpc"],
  [{ size: 7 }, "rpc needs a --size of at least 8", "rpc"],
  [{ ack: 10, prefetch: 5 }, /no message would ever be acknowledged/, "rpc"],
  [{ queue: "" }, /would not know where to ask/, "rpc"],
];
for (const [options, text, mode = "throughput"] of REFUSED) {
  test(`[perf/options] ${JSON.stringify(options)} is refused in ${mode}`, () => {
    assert.throws(() => parseOptions(mode, options), { name: "OptionError", message: text });
  });
}

test("[perf/options] values may be text, as on a command line", () => {
  const { throughput, json } = parseOptions("throughput", { size: "1e3", rate: ".5", durable: "false", json: "true" });
  const { size, rate, durable } = throughput;
  assert.deepEqual({ size, rate, durable, json }, { size: 1000, rate: 0.5, durable: false, json: true });
});

test("[perf/uri] user, password, host, port and virtual host have their defaults", () => {
  const local = { secure: false, host: "localhost", port: 5672, username: "guest", password: "guest", vhost: "/" };
  assert.deepEqual(parseBrokerUri("amqp://localhost"), local);
  assert.deepEqual(parseBrokerUri("amqp://localhost/"), local);
  assert.deepEqual(parseBrokerUri("amqps://localhost"), { ...local, secure: true, port: 5671 });
  assert.deepEqual(parseBrokerUri("amqp://a%40b:c%2Fd@[::1]:1234/e%2Ff"), {
    secure: false,
    host: "::1",
    port: 1234,
    username: "a@b",
    password: "c/d",
    vhost: "e/f",
  });
});
