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
import { type ListenerSettings, listenerSettings } from "../../src/server/listener-settings.ts";

const LISTENERS = [{ port: 5673, protocols: ["amqp"], proxyProtocol: true }];
const CERTIFICATE = { tlsCertificate: "server.pem" };

test("[config/lists] a list is JSON or words with commas between, and none is the empty one", () => {
  const source = environmentSource({ LEVERET_PROTOCOLS: "amqp, websocket", LEVERET_PROXY_TRUSTED: "none" });
  assert.deepEqual(resolveConfig([source]).protocols, ["amqp", "websocket"]);
  assert.deepEqual(resolveConfig([source]).proxyTrusted, []);
  assert.deepEqual(resolveConfig([commandLineSource({ protocols: '["amqp1"]' })]).protocols, ["amqp1"]);
  const places = [
    commandLineSource({ listeners: JSON.stringify(LISTENERS) }),
    environmentSource({ LEVERET_LISTENERS: JSON.stringify(LISTENERS) }),
    keyedSource({ listeners: LISTENERS }, "in a.yaml"),
  ];
  for (const place of places) assert.deepEqual(resolveConfig([place]).listeners, LISTENERS);
});

test("[config/errors] what is wrong inside a list is named with its place", () => {
  assertRefused(
    keyedSource({ listeners: [{ port: 5671 }, { port: 5673, protocols: ["mqtt"] }] }, "in a.yaml"),
    'listeners in a.yaml has "mqtt" at [1].protocols[0], but must be one of amqp, amqp1, websocket',
  );
  assertRefused(
    keyedSource({ listeners: [{ prot: 1 }] }, "in a.yaml"),
    'listeners in a.yaml has "prot" at [0].prot, but must be none or a list of listeners, each with some of the keys ' +
      "port, bind, path, mode, protocols, tls, proxyProtocol",
  );
  assertRefused(
    keyedSource({ listeners: [{ path: "/run/leveret.sock", mode: 660 }] }, "in a.yaml"),
    'listeners in a.yaml has 660 at [0].mode, but must be octal digits in quotes, such as "660"',
  );
  assertRefused(
    commandLineSource({ listeners: "[1" }),
    '--listeners is "[1", but must be none or a list of listeners, each with some of the keys port, bind, path, mode, ' +
      "protocols, tls, proxyProtocol",
  );
  assertRefused(
    environmentSource({ LEVERET_PROXY_TRUSTED: "10.0.0.0/8,lb.example" }),
    'LEVERET_PROXY_TRUSTED has "lb.example" at [1], but must be none or a list of IP addresses and networks (10.0.0.0/8)',
  );
  assertRefused(
    environmentSource({ LEVERET_WEBSOCKET_ORIGINS: "app.example" }),
    'LEVERET_WEBSOCKET_ORIGINS has "app.example" at [0], but must be none or a list of origins (https://app.example.com), or *',
  );
  assertRefused(
    commandLineSource({ "tls-port": "amqps" }),
    '--tls-port is "amqps", but must be none or an integer from 0 to 65535',
  );
});

test("[config/listeners] port speaks everything on bind; simple options add a listener each", () => {
  assert.deepEqual(settings({ bind: "::" }), [
    {
      option: "port",
      endpoint: { host: "::", port: 5672 },
      protocols: ["amqp", "amqp1", "websocket"],
      tls: "off",
      proxyProtocol: false,
    },
  ]);
  const all = settings({ ...CERTIFICATE, tlsPort: 5671, httpPort: 15672, socketPath: "/run/leveret.sock" });
  assert.deepEqual(
    all.map(({ option, endpoint, protocols, tls }) => [option, endpoint, protocols.join(), tls]),
    [
      ["port", { host: "127.0.0.1", port: 5672 }, "amqp,amqp1,websocket", "optional"],
      ["tlsPort", { host: "127.0.0.1", port: 5671 }, "amqp,amqp1,websocket", "required"],
      ["httpPort", { host: "127.0.0.1", port: 15672 }, "websocket", "optional"],
      ["socketPath", { path: "/run/leveret.sock", mode: 0o660 }, "amqp,amqp1,websocket", "optional"],
    ],
  );
});

test("[config/listeners] an entry has a port or a path, and only what belongs to it", () => {
  const listeners = [{}, { port: 1, path: "a" }, { path: "a", bind: "::" }, { port: 1, mode: "600" }];
  assert.throws(
    () => settings({ listeners, tlsPort: 5671 }),
    new ConfigError([
      "listeners[0] has neither a port nor a path; it must have one of them",
      "listeners[1] has a port and a path; it must have only one of them",
      "listeners[2] has a path, and so no bind",
      "listeners[3] has a port, and so no mode",
      "tlsPort requires TLS, but tlsCertificate names no file",
    ]),
  );
});

function settings(options: Readonly<Record<string, unknown>>): ListenerSettings[] {
  return listenerSettings(resolveConfig([keyedSource(options, "of the test")]));
}

function assertRefused(source: ConfigSource, problem: string): void {
  assert.throws(() => resolveConfig([source]), new ConfigError([problem]));
}
