import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { tableFrom } from "../../src/wire/field-table.ts";
import type { BrokerUnderTest } from "./method-test.ts";
import { declareSharedQueue } from "./queues.ts";
import type { RawClient, ReceivedContent } from "./raw-client.ts";

/** How long a foreign broker may take to move a message from one queue to another. */
const PATIENCE_MILLISECONDS = 3_000;
const PAUSE_MILLISECONDS = 10;

type Got = ReceivedContent<"basic.get-ok">;

/** Plain values of queue arguments. */
export type PlainArguments = Parameters<typeof tableFrom>[0];

/** The next message of a queue, unacknowledged, on channel 1; it may take a moment to arrive. */
export async function getSoon(client: RawClient, queue: string): Promise<Got> {
  const end = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const message = await client.get(1, { queue });
    if (message !== undefined) return message;
    assert.ok(Date.now() < end, `a message arrives in ${queue}`);
    await setTimeout(PAUSE_MILLISECONDS);
  }
}

/** The bodies of the next `count` messages of a queue, which are acknowledged. */
export async function takeSoon(client: RawClient, queue: string, count: number): Promise<string[]> {
  const bodies: string[] = [];
  while (bodies.length < count) {
    const { args, body } = await getSoon(client, queue);
    client.send(1, "basic.ack", { deliveryTag: args.deliveryTag });
    bodies.push(body.toString());
  }
  return bodies;
}

/** Waits until `isSo`; fails with `what` otherwise. */
export async function eventually(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MILLISECONDS;
  while (!(await isSo())) {
    assert.ok(Date.now() < end, what);
    await setTimeout(PAUSE_MILLISECONDS);
  }
}

/** Waits until the client has `count` methods of this name on channel 1 that it has not taken. */
export function expectWaiting(client: RawClient, name: string, count: number): Promise<void> {
  const waiting = (): number => client.waiting(1).filter((method) => method === name).length;
  return eventually(`${count} ${name} on channel 1`, () => waiting() === count);
}

/** Declares a durable queue of the type with a fresh name on channel 1; returns its name. */
export function declareTyped(
  broker: BrokerUnderTest,
  client: RawClient,
  type: "classic" | "quorum",
  queueArguments: PlainArguments = {},
): Promise<string> {
  return declareSharedQueue(broker, client, {
    durable: true,
    arguments: tableFrom({ ...queueArguments, "x-queue-type": type }),
  });
}

/** Arguments for a queue whose dead letters go to `queue`. */
export function deadLettersTo(queue: string): {
  "x-dead-letter-exchange": string;
  "x-dead-letter-routing-key": string;
} {
  return { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue };
}

/** Whether a queue is there, asked on a channel of its own; being asked for renews its lease. */
export async function isThere(broker: BrokerUnderTest, queue: string): Promise<boolean> {
  const client = await broker.channel();
  client.send(1, "queue.declare", { queue, passive: true });
  await eventually("an answer", () => client.waiting(1).length > 0);
  const answer = client.waiting(1)[0];
  client.destroy();
  return answer === "queue.declare-ok";
}

/** Publishes one message after the other in confirm mode; returns how each was confirmed. */
export async function outcomes(client: RawClient, queue: string, bodies: readonly string[]): Promise<string[]> {
  await client.call(1, "confirm.select");
  const names: string[] = [];
  for (const body of bodies) {
    client.publish(1, { routingKey: queue }, body);
    await eventually(`${body} is confirmed`, () => client.waiting(1).length > 0);
    const name = client.waiting(1)[0] === "basic.ack" ? "basic.ack" : "basic.nack";
    await client.expect(1, name);
    names.push(name);
  }
  return names;
}
