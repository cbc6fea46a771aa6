import type { TestContext } from "node:test";
import { type Channel, type ChannelModel, type ConsumeMessage, connect, type Options } from "amqplib";
import { cleanUp } from "../support/clean-up.ts";
import { uniqueName } from "../support/unique-name.ts";

/** Opens a connection that is closed when the test is over. */
export async function openConnection(test: TestContext, url: string): Promise<ChannelModel> {
  const connection = await connect(url);
  cleanUp(test, () => connection.close());
  return connection;
}

/**
 * Opens a channel that is closed when the test is over, before its connection: amqplib writes each channel's frames in
 * turn, so that a connection.close may overtake acknowledgements, and what they settled would be delivered again.
 */
export async function openChannel(test: TestContext, connection: ChannelModel): Promise<Channel> {
  const channel = await connection.createChannel();
  cleanUp(test, () => channel.close());
  return channel;
}

/** Declares a durable queue of a name of its own, deleted when the test is over. */
export async function declareQueue(
  test: TestContext,
  connection: ChannelModel,
  purpose: string,
  options: Options.AssertQueue = {},
): Promise<string> {
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(uniqueName(purpose), options);
  cleanUp(test, async () => {
    await channel.deleteQueue(queue);
    await channel.close();
  });
  return queue;
}

/** Declares an exchange of a name of its own, deleted when the test is over. */
export async function declareExchange(test: TestContext, connection: ChannelModel, type: string): Promise<string> {
  const channel = await connection.createChannel();
  const { exchange } = await channel.assertExchange(uniqueName(type), type);
  cleanUp(test, async () => {
    await channel.deleteExchange(exchange);
    await channel.close();
  });
  return exchange;
}

/** The body of a delivery; amqplib hands over null when the broker cancels the consumer. */
export function text(message: ConsumeMessage | null): string {
  return message === null ? "(consumer cancelled)" : message.content.toString();
}
