import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConfigError,
  type ConfigSource,
  commandLineSource,
  environmentSource,
  keyedSource,
  resolveConfig,
} from "../../src/server/config.ts";
import { limitsOf, OPTIONS } from "../../src/server/options.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";

const SPELLINGS: readonly [string, (value: unknown) => ConfigSource][] = [
  ["the command line", (value) => commandLineSource({ "frame-bytes-max": value })],
  ["the environment", (value) => environmentSource({ LEVERET_FRAME_BYTES_MAX: String(value) })],
  ["the file", (value) => keyedSource({ frameBytesMax: value }, "in leveret.yaml")],
];

test("[config/default] nothing given means the documented defaults", () => {
  const config = resolveConfig([]);
  assert.deepEqual(
    Object.entries(config),
    OPTIONS.map(({ key, defaultValue }) => [key, defaultValue]),
  );
  assert.equal(config.bind, "127.0.0.1");
  assert.equal(config.port, 5672);
  assert.deepEqual(limitsOf(config), DEFAULT_LIMITS);
});

for (const [place, source] of SPELLINGS) {
  test(`[config/sources] an option can be set on ${place}`, () => {
    assert.equal(resolveConfig([source(8192)]).frameBytesMax, 8192);
  });
}

test("[config/precedence] command line over environment over file over default", () => {
  const file = keyedSource({ port: 1, bind: "::1", product: "file" }, "in leveret.yaml");
  const environment = environmentSource({ LEVERET_PORT: "2", LEVERET_BIND: "::" });
  const commandLine = commandLineSource({ port: "3" });
  const config = resolveConfig([commandLine, environment, file]);
  assert.deepEqual([config.port, config.bind, config.product, config.memory], [3, "::", "file", false]);
});

test("[config/precedence] false and 0 are values, not absences", () => {
  const file = keyedSource({ memory: true, heartbeatSeconds: 30 }, "in leveret.yaml");
  const config = resolveConfig([environmentSource({ LEVERET_MEMORY: "false", LEVERET_HEARTBEAT_SECONDS: "0" }), file]);
  assert.deepEqual([config.memory, config.heartbeatSeconds], [false, 0]);
});

test("[config/environment] an empty variable counts as not set", () => {
  assert.equal(resolveConfig([environmentSource({ LEVERET_PORT: "" })]).port, 5672);
});

test("[config/environment] what Kubernetes sets for a Service named leveret is not taken for options", () => {
  const links = {
    LEVERET_SERVICE_HOST: "10.0.0.1",
    LEVERET_SERVICE_PORT: "5672",
    LEVERET_PORT: "tcp://10.0.0.1:5672",
    LEVERET_PORT_5672_TCP_ADDR: "10.0.0.1",
  };
  assert.equal(resolveConfig([environmentSource(links)]).port, 5672);
});

test("[config/errors] a value that is not allowed is named with its place and with what is allowed", () => {
  const port = "but must be an integer from 0 to 65535";
  assertRefused([commandLineSource({ port: "70000" })], `--port is 70000, ${port}`);
  assertRefused([environmentSource({ LEVERET_PORT: "amqp" })], `LEVERET_PORT is "amqp", ${port}`);
  assertRefused([keyedSource({ port: 5672.5 }, "in a.yaml")], `port in a.yaml is 5672.5, ${port}`);
  assertRefused([keyedSource({ port: null }, "in a.yaml")], `port in a.yaml is null, ${port}`);
  assertRefused([commandLineSource({ port: "" })], `--port is "", ${port}`);
  assertRefused([commandLineSource({ "data-dir": "" })], '--data-dir is "", but must be text that is not empty');
  assertRefused([environmentSource({ LEVERET_MEMORY: "yes" })], 'LEVERET_MEMORY is "yes", but must be true or false');
  assertRefused(
    [commandLineSource({ "log-level": "loud" })],
    '--log-level is "loud", but must be one of debug, info, warn, error, silent',
  );
});

test("[config/errors] an unknown name is refused, with the one that may have been meant", () => {
  assertRefused([commandLineSource({ prot: "1" })], "--prot is not an option; did you mean --port?");
  assertRefused(
    [environmentSource({ LEVERET_DATADIR: "x" })],
    "LEVERET_DATADIR is not an option; did you mean LEVERET_DATA_DIR?",
  );
  assertRefused(
    [keyedSource({ "data-dir": "x" }, "in a.yaml")],
    "data-dir in a.yaml is not an option; did you mean dataDir in a.yaml?",
  );
  assertRefused([commandLineSource({ zookeeper: "x" })], "--zookeeper is not an option");
});

test("[config/errors] every problem is reported at once", () => {
  const sources = [
    commandLineSource({ prot: "1", "channels-max": "-1" }),
    environmentSource({ LEVERET_BIND: "::", LEVERET_MEMORY: "1" }),
  ];
  assertRefused(
    sources,
    "--prot is not an option; did you mean --port?",
    'LEVERET_MEMORY is "1", but must be true or false',
    "--channels-max is -1, but must be an integer from 0 to 65535",
  );
});

test("[config/options] every option has one spelling per place", () => {
  const option = OPTIONS.find(({ key }) => key === "handshakeTimeoutMilliseconds");
  assert.equal(option?.commandLineName, "handshake-timeout-milliseconds");
  assert.equal(option?.environmentName, "LEVERET_HANDSHAKE_TIMEOUT_MILLISECONDS");
  for (const name of ["commandLineName", "environmentName", "key"] as const) {
    assert.equal(new Set(OPTIONS.map((each) => each[name])).size, OPTIONS.length);
  }
});

function assertRefused(sources: readonly ConfigSource[], ...problems: string[]): void {
  assert.throws(
    () => resolveConfig(sources),
    (error) => {
      assert(error instanceof ConfigError);
      assert.deepEqual(error.message.split("\n").sort(), [...problems].sort());
      return true;
    },
  );
}
