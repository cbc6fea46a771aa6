import assert from "node:assert/strict";
import { test } from "node:test";
import { isOrigin, isOriginAllowed } from "../../src/transport/origins.ts";

const AFAR = { loopback: false };

test("[websocket/origin] a client that sends no origin is no browser and may connect", () => {
  assert(isOriginAllowed({ origin: undefined, host: "broker.example", ...AFAR }, []));
});

test("[websocket/origin] a page from the same host and port may connect, default ports included", () => {
  for (const [origin, host] of [
    ["http://broker.example:15672", "broker.example:15672"],
    ["https://broker.example", "broker.example"],
    ["https://broker.example", "broker.example:443"],
    ["http://Broker.Example", "broker.example:80"],
  ] as const) {
    assert(isOriginAllowed({ origin, host, ...AFAR }, []), `${origin} on ${host}`);
  }
});

test("[websocket/origin] a page from elsewhere may not, nor one whose origin is hidden or no origin", () => {
  for (const origin of ["https://evil.example", "http://broker.example:81", "null", "file://", "nonsense", ""]) {
    assert(!isOriginAllowed({ origin, host: "broker.example", ...AFAR }, []), origin);
  }
  assert(!isOriginAllowed({ origin: "http://a", host: undefined, ...AFAR }, []));
});

test("[websocket/origin] origins that are named, or *, may connect from anywhere", () => {
  const claim = { origin: "https://app.example", host: "broker.example", ...AFAR };
  assert(isOriginAllowed(claim, ["https://other.example", "https://App.example"]));
  assert(isOriginAllowed(claim, ["*"]));
  assert(!isOriginAllowed(claim, ["http://app.example"]));
});

test("[websocket/origin] on this machine the same host counts only when it is an address or localhost", () => {
  for (const host of ["localhost:5672", "app.localhost:5672", "127.0.0.1:5672", "[::1]:5672"]) {
    assert(isOriginAllowed({ origin: `http://${host}`, host, loopback: true }, []), host);
  }
  const rebound = { origin: "http://evil.example:5672", host: "evil.example:5672", loopback: true };
  assert(!isOriginAllowed(rebound, []));
  assert(isOriginAllowed(rebound, ["http://evil.example:5672"]));
});

test("[websocket/origin] an option's origin has a scheme, a host and nothing after it", () => {
  for (const origin of ["https://app.example", "http://localhost:8080", "*"]) assert(isOrigin(origin), origin);
  for (const origin of ["app.example", "https://app.example/", "https://a/b", "ws://a", ""]) {
    assert(!isOrigin(origin), origin);
  }
});
