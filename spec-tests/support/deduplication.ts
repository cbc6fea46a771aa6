import { type PlainFieldValue, tableFrom } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import { type BrokerUnderTest, methodTest } from "./method-test.ts";
import type { PublishTo, RawClient } from "./raw-client.ts";

export const TYPE = "x-message-deduplication";
export const HEADER = "x-deduplication-header";

/** RabbitMQ has this as a third-party plugin whose outcomes differ; docs/deduplication.md says where. */
const LEVERET_ONLY = { leveretOnly: "the plugin keeps keys otherwise" };

export type Arguments = Readonly<Record<string, PlainFieldValue>>;

/** A test of Leveret alone, with a client whose channel 1 is open. */
export function rule(title: string, body: (broker: BrokerUnderTest, client: RawClient) => Promise<void>): void {
  methodTest(title, async (broker) => body(broker, await broker.channel()), LEVERET_ONLY);
}

/** The properties of a message with this key. */
export function keyed(key: PlainFieldValue, more: Arguments = {}): Properties {
  return { headers: tableFrom({ [HEADER]: key, ...more }) };
}

/** Publishes one after the other, each when the one before is confirmed. */
export async function publishConfirmed(
  client: RawClient,
  to: PublishTo,
  messages: readonly (readonly [body: string, properties: Properties])[],
): Promise<void> {
  for (const [body, properties] of messages) {
    client.publish(1, to, body, properties);
    await client.find(1, "basic.ack");
  }
}
