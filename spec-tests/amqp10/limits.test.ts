import assert from "node:assert/strict";
import { test } from "node:test";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import { type Typed, uint } from "../../src/amqp10/codec/types.ts";
import { RawClient, type ReceivedFrame, target } from "./hostile-client.ts";
import { startAmqp10Broker } from "./test-client.ts";

/** Condition and description of the error in a frame's first field, or in that after a session's or link's. */
function errorOf({ fields }: ReceivedFrame): string[] {
  const items = (fields.get(0)?.value ?? []) as readonly Typed[];
  return items.slice(0, 2).map(({ value }) => String(value));
}

test("[limits] a connection may have 64 sessions and a session 256 links unless configured, as in RabbitMQ", async (t) => {
  const client = new RawClient(startAmqp10Broker(t).stream());
  assert.equal((await client.next(PERFORMATIVES.open)).fields.number(3), 63);
  assert.equal((await client.next(PERFORMATIVES.begin)).fields.number(4), 255);
});

test("[limits] begin beyond channel-max closes the connection", async (t) => {
  const client = new RawClient(startAmqp10Broker(t, { limits: { sessionsMax: 3 } }).stream());
  assert.equal((await client.next(PERFORMATIVES.open)).fields.number(3), 2);
  client.begin(2);
  client.begin(3);
  assert.deepEqual(errorOf(await client.next(PERFORMATIVES.close)), [
    "amqp:connection:framing-error",
    "channel number (3) exceeds maximum channel number (2)",
  ]);
});

test("[limits] attach beyond handle-max ends the session", async (t) => {
  const client = new RawClient(startAmqp10Broker(t, { limits: { linksMax: 2 } }).stream());
  client.sender(0, 1, target(undefined));
  client.sender(0, 2, target(undefined));
  assert.deepEqual(errorOf(await client.next(PERFORMATIVES.end)), [
    "amqp:connection:framing-error",
    "link handle value (2) exceeds maximum link handle value (1)",
  ]);
});

test("[limits] a client's own handle-max counts too, because our handles are the client's", async (t) => {
  const client = new RawClient(startAmqp10Broker(t).stream());
  client.send(1, PERFORMATIVES.begin, [undefined, uint(0), uint(1000), uint(1000), uint(0)]);
  client.sender(1, 0, target(undefined));
  client.sender(1, 1, target(undefined));
  assert.equal(
    errorOf(await client.next(PERFORMATIVES.end))[1],
    "link handle value (1) exceeds maximum link handle value (0)",
  );
});
