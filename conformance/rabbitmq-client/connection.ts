import { once } from "node:events";
import type { TestContext } from "node:test";
import {
  type AsyncMessage,
  Connection,
  type Consumer,
  type ConsumerHandler,
  type ConsumerProps,
  type Publisher,
  type PublisherProps,
} from "rabbitmq-client";
import { cleanUp } from "../support/clean-up.ts";
import { Inbox } from "../support/inbox.ts";
import { uniqueName } from "../support/unique-name.ts";

/** Opens a connection that is closed when the test is over. */
export async function openConnection(test: TestContext, url: string): Promise<Connection> {
  const connection = new Connection(url);
  await connection.onConnect();
  cleanUp(test, () => connection.close());
  return connection;
}

/** Declares a durable queue of a name of its own, deleted when the test is over. */
export async function declareQueue(test: TestContext, connection: Connection, purpose: string): Promise<string> {
  const { queue } = await connection.queueDeclare({ queue: uniqueName(purpose), durable: true });
  cleanUp(test, () => connection.queueDelete({ queue }));
  return queue;
}

/** Declares an exchange of a name of its own, deleted when the test is over. */
export async function declareExchange(test: TestContext, connection: Connection, type: string): Promise<string> {
  const exchange = uniqueName(type);
  await connection.exchangeDeclare({ exchange, type, durable: true });
  cleanUp(test, () => connection.exchangeDelete({ exchange }));
  return exchange;
}

/** Creates a publisher that is closed when the test is over. */
export function createPublisher(test: TestContext, connection: Connection, props: PublisherProps = {}): Publisher {
  const publisher = connection.createPublisher(props);
  cleanUp(test, () => publisher.close());
  return publisher;
}

/** Creates a consumer, closed when the test is over, and waits until the broker has accepted it. */
export async function createConsumer(
  test: TestContext,
  connection: Connection,
  props: ConsumerProps,
  handler: ConsumerHandler,
): Promise<Consumer> {
  const consumer = connection.createConsumer(props, handler);
  cleanUp(test, () => consumer.close());
  await once(consumer, "ready");
  return consumer;
}

/** Consumes an exclusive queue with a name from the server that is bound to the exchange. */
export async function subscribe<T>(
  test: TestContext,
  connection: Connection,
  exchange: string,
  bindingKeys: string[],
  pick: (message: AsyncMessage) => T,
): Promise<Inbox<T>> {
  const inbox = new Inbox<T>();
  const props = {
    noAck: true,
    queueOptions: { exclusive: true },
    queueBindings: bindingKeys.map((routingKey) => ({ exchange, routingKey })),
  };
  await createConsumer(test, connection, props, (message) => inbox.put(pick(message)));
  return inbox;
}
