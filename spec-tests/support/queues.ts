import assert from "node:assert/strict";
import type { SomeArguments } from "../../src/client/arguments.ts";
import { EMPTY_TABLE, type FieldTable } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import type { BrokerUnderTest } from "./method-test.ts";
import type { RawClient } from "./raw-client.ts";

const READY_ATTEMPTS = 500;

/** Declares a queue with a fresh name, exclusive unless told, on channel 1; returns its name. */
export async function declareQueue(
  broker: BrokerUnderTest,
  client: RawClient,
  args: SomeArguments<"queue.declare"> = {},
): Promise<string> {
  const queue = args.queue ?? broker.name("queue");
  await client.call(1, "queue.declare", { exclusive: true, ...args, queue });
  return queue;
}

/** Declares a queue that every connection may use, on channel 1; returns its name. */
export function declareSharedQueue(
  broker: BrokerUnderTest,
  client: RawClient,
  args: SomeArguments<"queue.declare"> = {},
): Promise<string> {
  return declareQueue(broker, client, { exclusive: false, ...args });
}

/** The text of 405 for a queue that belongs to another connection, or not to one as the declaration says. */
export function lockedText(queue: string): string {
  const cause = "It could be originally declared on another connection or the exclusive property value does not match";
  return `RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. ${cause} that of the original declaration.`;
}

/** Declares an exchange with a fresh name on channel 1; returns its name. */
export async function declareExchange(
  broker: BrokerUnderTest,
  client: RawClient,
  type = "direct",
  args: FieldTable = EMPTY_TABLE,
): Promise<string> {
  const exchange = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange, type, arguments: args });
  return exchange;
}

/** Publishes bodies to the queue, which has no consumer, on channel 1 and returns once they are in it. */
export async function fill(
  client: RawClient,
  queue: string,
  bodies: readonly string[],
  properties: Properties = {},
): Promise<void> {
  const before = await readyCount(client, queue);
  for (const body of bodies) client.publish(1, { routingKey: queue }, body, properties);
  await expectReady(client, queue, before + bodies.length);
}

/**
 * Asserts, on channel 1, how many messages are ready. It asks repeatedly, because RabbitMQ answers a passive declare
 * ahead of publishes that came before it.
 */
export async function expectReady(client: RawClient, queue: string, count: number): Promise<void> {
  let actual = await readyCount(client, queue);
  for (let attempt = 0; attempt < READY_ATTEMPTS && actual !== count; attempt++) {
    actual = await readyCount(client, queue);
  }
  assert.equal(actual, count, `ready messages in ${queue}`);
}

/** Takes every ready message from the queue with basic.get on channel 1, acknowledged; returns the bodies. */
export async function drain(client: RawClient, queue: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const message = await client.get(1, { queue, noAck: true });
    if (message === undefined) return bodies;
    bodies.push(message.body.toString());
  }
}

/** Starts a consumer on channel 1 and returns its tag. */
export async function consume(
  client: RawClient,
  queue: string,
  args: SomeArguments<"basic.consume"> = {},
): Promise<string> {
  client.send(1, "basic.consume", { ...args, queue });
  return (await client.find(1, "basic.consume-ok")).args.consumerTag;
}

/** The bodies of the next `count` deliveries on channel 1, in order. */
export async function deliveredBodies(client: RawClient, count: number): Promise<string[]> {
  const bodies: string[] = [];
  for (let index = 0; index < count; index++) {
    bodies.push((await client.find(1, "basic.deliver")).body.toString());
  }
  return bodies;
}

async function readyCount(client: RawClient, queue: string): Promise<number> {
  client.send(1, "queue.declare", { queue, passive: true });
  return (await client.find(1, "queue.declare-ok")).args.messageCount;
}
