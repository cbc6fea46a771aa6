import type { Channel } from "../client/channel.ts";
import { Client } from "../client/client.ts";
import { randomName, systemRandom } from "../lib/random.ts";
import type { BrokerAddress } from "./broker-uri.ts";
import type { ChurnOptions } from "./churn-options.ts";
import { openSocket } from "./socket.ts";

/** Makes and unmakes one thing over and over. */
export interface ChurnWorker {
  /** Once; rejects with the client's error. */
  operate(): Promise<void>;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

const DEFAULT_EXCHANGE = "amq.direct";

/** Connects a worker, and prepares what it works on. Rejects with the client's error. */
export async function openChurnWorker(options: ChurnOptions): Promise<ChurnWorker> {
  if (options.churn === "connection") {
    return { operate: () => churnConnection(options.address), close: async () => {} };
  }
  const client = await connect(options.address);
  const operate = await operationOn(client, options);
  return { operate, close: () => client.close() };
}

async function operationOn(client: Client, options: ChurnOptions): Promise<() => Promise<void>> {
  if (options.churn === "channel") return () => churnChannel(client);
  const channel = await client.openChannel();
  const { durable } = options;
  if (options.churn === "queue") return () => churnQueue(channel, durable);
  // Exclusive: gone with the connection, however that ends.
  const { queue } = await channel.call("queue.declare", { durable, exclusive: true });
  if (options.churn === "consumer") return () => churnConsumer(channel, queue);
  const exchange = options.exchange === "" ? DEFAULT_EXCHANGE : options.exchange;
  return () => churnBinding(channel, queue, exchange);
}

async function churnConnection(address: BrokerAddress): Promise<void> {
  const client = await connect(address);
  await client.openChannel();
  await client.close();
}

async function churnChannel(client: Client): Promise<void> {
  const channel = await client.openChannel();
  await channel.close();
}

async function churnQueue(channel: Channel, durable: boolean): Promise<void> {
  const queue = randomName("perf-", systemRandom);
  await channel.call("queue.declare", { queue, durable });
  await channel.call("queue.delete", { queue });
}

async function churnBinding(channel: Channel, queue: string, exchange: string): Promise<void> {
  const binding = { queue, exchange, routingKey: randomName("perf-", systemRandom) };
  await channel.call("queue.bind", binding);
  await channel.call("queue.unbind", binding);
}

async function churnConsumer(channel: Channel, queue: string): Promise<void> {
  await channel.cancel(await channel.consume({ queue, noAck: true }, () => {}));
}

function connect(address: BrokerAddress): Promise<Client> {
  const { username, password, vhost } = address;
  const clientProperties = { product: "Leveret perf" };
  return Client.connect(openSocket(address), { username, password, vhost, heartbeatSeconds: 0, clientProperties });
}
