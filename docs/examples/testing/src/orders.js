// An application as it would be written for RabbitMQ: it takes orders and sends an invoice for each. What fails is tried
// again a minute later, three times, and then kept for somebody to look at.
import { connect } from "amqplib";

const RETRY_MILLISECONDS = 60_000;
const ATTEMPTS_MAX = 3;

/**
 * Starts taking orders. Returns what stops it.
 *
 * @param {string} url
 * @param {(order: { id: number, items: number }) => number} price may throw
 */
export async function startOrders(url, price) {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("shop", "topic", { durable: true });
  await channel.assertQueue("orders", {
    durable: true,
    deadLetterExchange: "",
    deadLetterRoutingKey: "orders-retry",
  });
  await channel.bindQueue("orders", "shop", "order.*");
  await channel.assertQueue("orders-retry", {
    durable: true,
    messageTtl: RETRY_MILLISECONDS,
    deadLetterExchange: "",
    deadLetterRoutingKey: "orders",
  });
  await channel.assertQueue("orders-failed", { durable: true });
  await channel.prefetch(10);

  const send = (exchange, key, content) =>
    new Promise((resolve, reject) => {
      channel.publish(exchange, key, content, { persistent: true }, (error) => (error ? reject(error) : resolve()));
    });
  const handle = async (message) => {
    const order = JSON.parse(message.content.toString());
    try {
      const invoice = { order: order.id, amount: price(order) };
      await send("shop", "invoice.new", Buffer.from(JSON.stringify(invoice)));
    } catch {
      const failures = message.properties.headers?.["x-death"]?.find(({ reason }) => reason === "rejected")?.count ?? 0;
      if (failures + 1 < ATTEMPTS_MAX) return channel.nack(message, false, false);
      await send("", "orders-failed", message.content);
    }
    channel.ack(message);
  };
  await channel.consume("orders", (message) => void handle(message));
  return { stop: () => connection.close() };
}
