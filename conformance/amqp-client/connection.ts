import type { TestContext } from "node:test";
import {
  type AMQPBaseClient,
  type AMQPChannel,
  AMQPClient,
  AMQPSession,
  type QueueParams,
} from "@cloudamqp/amqp-client";
import { cleanUp } from "../support/clean-up.ts";
import { uniqueName } from "../support/unique-name.ts";

/** Opens a connection of the low-level interface that is closed when the test is over. */
export async function openConnection(test: TestContext, url: string): Promise<AMQPBaseClient> {
  const connection = await new AMQPClient(url, undefined, null).connect();
  cleanUp(test, () => connection.close());
  return connection;
}

/** Opens a session (the high-level interface) that is stopped when the test is over. */
export async function openSession(test: TestContext, url: string): Promise<AMQPSession> {
  const session = await AMQPSession.connect(url, { logger: null });
  cleanUp(test, () => session.stop());
  return session;
}

/** Declares a queue of a name of its own, deleted when the test is over. */
export async function declareQueue(
  test: TestContext,
  connection: AMQPBaseClient,
  purpose: string,
  params: QueueParams = { durable: true },
): Promise<string> {
  const channel = await connection.channel();
  const { name } = await channel.queueDeclare(uniqueName(purpose), params);
  cleanUp(test, () => channel.queueDelete(name));
  return name;
}

/** Declares an exchange of a name of its own, deleted when the test is over. */
export async function declareExchange(test: TestContext, connection: AMQPBaseClient, type: string): Promise<string> {
  const channel = await connection.channel();
  const name = uniqueName(type);
  await channel.exchangeDeclare(name, type, { durable: true });
  cleanUp(test, () => channel.exchangeDelete(name));
  return name;
}

/** Declares an exclusive queue with a name from the server and binds it. */
export async function bindExclusiveQueue(
  channel: AMQPChannel,
  exchange: string,
  bindingKeys: string[],
): Promise<string> {
  const { name } = await channel.queueDeclare("", { exclusive: true });
  for (const bindingKey of bindingKeys) await channel.queueBind(name, exchange, bindingKey);
  return name;
}
