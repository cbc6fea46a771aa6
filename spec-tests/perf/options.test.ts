import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBrokerUri } from "../../src/perf/broker-uri.ts";
import { parseOptions } from "../../src/perf/options.ts";
import { perfArguments } from "../bench/perf-arguments.ts";

const REFUSED: readonly (readonly [options: Readonly<Record<string, unknown>>, text: string | RegExp])[] = [
  [{ size: -1 }, "--size is -1, but must be an integer from 0 to 536870912"],
  [{ size: 1.5 }, /^--size is 1.5/],
  [{ prefetch: 65_536 }, "--prefetch is 65536, but must be an integer from 0 to 65535"],
  [{ duration: Number.NaN }, "--duration is NaN, but must be a number that is not negative"],
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
  [{ mode: "queue-churn", workers: -1 }, /^--workers is -1/],
  [{ mode: "rpc", clients: 0, responders: 0 }, /nothing to do/],
  [{ mode: "rpc", size: 7 }, "rpc needs a --size of at least 8"],
  [{ mode: "rpc", ack: 10, prefetch: 5 }, /no message would ever be acknowledged/],
  [{ mode: "rpc", queue: "" }, /would not know where to ask/],
];
for (const [options, text] of REFUSED) {
  test(`[perf/options] ${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => parseOptions(perfArguments(options)), { name: /^(Option|Perf)Error$/, message: text });
  });
}

test("[perf/options] churn modes do not mind options of the others", () => {
  const { churn } = parseOptions(perfArguments({ mode: "queue-churn", publishers: 0, consumers: 0 }));
  assert.equal(churn?.churn, "queue");
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
