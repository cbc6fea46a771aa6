import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { tableFrom } from "../../src/wire/field-table.ts";
import { FRAME_HEAD_BYTES, PROTOCOL_HEADER } from "../../src/wire/frame.ts";
import { handshake } from "../support/handshake.ts";
import { RawClient } from "../support/raw-client.ts";

/** Everything one client sent: the protocol header, then frame by frame. */
export type RecordedSession = readonly Buffer[];

/** How many pieces a session begins with before the connection is open: header, start-ok, tune-ok, open. */
export const HANDSHAKE_PIECES = 4;

const EXCHANGE_TYPES = ["direct", "fanout", "topic", "headers"];

/** What may outlive a connection when a mutation leaves out its deletion. */
export const LASTING_QUEUES = ["fuzz.confirms"];
export const LASTING_EXCHANGES = EXCHANGE_TYPES.map((type) => `fuzz.${type}`);

const SMALL_FRAME_BYTES = 4096;

/** Runs realistic sessions with the broker behind `connect` and returns what the clients sent. */
export async function recordSessions(connect: () => Promise<Duplex>): Promise<RecordedSession[]> {
  const sessions: RecordedSession[] = [];
  for (const script of [work, routes, confirms, transactions, calls]) {
    const stream = await connect();
    const sent = record(stream);
    const client = new RawClient(stream);
    await script(client);
    await client.close();
    sessions.push(split(Buffer.concat(sent)));
  }
  return sessions;
}

/** A work queue: consume, settle in every way, look at the queue. */
async function work(client: RawClient): Promise<void> {
  await openChannel(client);
  const queue = "fuzz.work";
  await client.call(1, "queue.declare", {
    queue,
    exclusive: true,
    arguments: tableFrom({ "x-note": "a", list: [1, "b"] }),
  });
  await client.call(1, "basic.qos", { prefetchCount: 4 });
  await client.call(1, "basic.consume", { queue, consumerTag: "worker", arguments: tableFrom({ "x-priority": 3 }) });
  for (const body of ["one", "two", "three", "four"])
    client.publish(1, { routingKey: queue }, body, { deliveryMode: 2 });
  for (let i = 0; i < 4; i++) await client.find(1, "basic.deliver");
  client.send(1, "basic.ack", { deliveryTag: 1 });
  client.send(1, "basic.nack", { deliveryTag: 2, requeue: true });
  client.send(1, "basic.reject", { deliveryTag: 3, requeue: false });
  await client.find(1, "basic.deliver");
  await client.call(1, "basic.recover", { requeue: true });
  for (let i = 0; i < 2; i++) await client.find(1, "basic.deliver");
  await client.call(1, "basic.cancel", { consumerTag: "worker" });
  await client.get(1, { queue, noAck: true });
  await client.call(1, "queue.purge", { queue });
  client.sendFrame(8, 0, Buffer.alloc(0));
  await client.call(1, "queue.delete", { queue });
  await client.call(1, "channel.close", { replyCode: 200, replyText: "OK" });
}

/** Exchanges of every type, bindings, messages with all properties. */
async function routes(client: RawClient): Promise<void> {
  await openChannel(client);
  const queue = "fuzz.routes";
  await client.call(1, "queue.declare", { queue, exclusive: true });
  for (const type of EXCHANGE_TYPES) {
    const exchange = `fuzz.${type}`;
    await client.call(1, "exchange.declare", { exchange, type, autoDelete: true });
    const args = tableFrom(type === "headers" ? { "x-match": "any", colour: "red", size: 3 } : {});
    await client.call(1, "queue.bind", { queue, exchange, routingKey: "a.*.#", arguments: args });
    const headers = tableFrom({ colour: "red", nested: { deep: [true, 1.5, { deeper: "x" }] }, CC: ["fuzz.routes"] });
    client.publish(1, { exchange, routingKey: "a.b.c" }, "animal", {
      contentType: "text/plain",
      headers,
      priority: 1,
      correlationId: "c",
      expiration: "60000",
      messageId: "m",
      timestamp: 1_700_000_000n,
      type: "t",
      appId: "fuzz",
    });
  }
  await client.call(1, "exchange.bind", { destination: "fuzz.fanout", source: "fuzz.topic", routingKey: "#" });
  await client.call(1, "exchange.unbind", { destination: "fuzz.fanout", source: "fuzz.topic", routingKey: "#" });
  await client.call(1, "queue.unbind", { queue, exchange: "fuzz.direct", routingKey: "a.*.#" });
  while ((await client.get(1, { queue, noAck: true })) !== undefined);
  await client.call(1, "exchange.delete", { exchange: "fuzz.topic" });
}

/** Confirms, a returned message, and bodies of many small frames. */
async function confirms(client: RawClient): Promise<void> {
  await openChannel(client, SMALL_FRAME_BYTES);
  await client.call(1, "confirm.select");
  const queue = "fuzz.confirms";
  await client.call(1, "queue.declare", { queue, autoDelete: true, durable: true });
  client.publish(1, { routingKey: queue }, Buffer.alloc(20_000, "long "), { deliveryMode: 2 });
  client.publish(1, { routingKey: queue }, "");
  client.publish(1, { routingKey: "fuzz.nowhere", mandatory: true }, "back");
  await client.find(1, "basic.return");
  client.send(1, "queue.delete", { queue });
  await client.find(1, "queue.delete-ok");
}

/** Transactions, committed and rolled back, on two channels. */
async function transactions(client: RawClient): Promise<void> {
  await openChannel(client);
  await client.call(2, "channel.open");
  const queue = "fuzz.transactions";
  await client.call(2, "queue.declare", { queue, exclusive: true });
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: queue }, "kept", { deliveryMode: 2 });
  await client.call(1, "tx.commit");
  await client.call(1, "basic.consume", { queue, consumerTag: "tx" });
  await client.find(1, "basic.deliver");
  client.publish(1, { routingKey: queue }, "dropped");
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.call(1, "tx.rollback");
  client.send(1, "basic.ack", { deliveryTag: 0, multiple: true });
  await client.call(1, "tx.commit");
  await client.call(2, "queue.declare", { queue, passive: true });
}

/** Direct reply-to, a refused purge, and methods that are seldom used. */
async function calls(client: RawClient): Promise<void> {
  await openChannel(client);
  await client.call(1, "basic.consume", { queue: "amq.rabbitmq.reply-to", noAck: true });
  await client.call(1, "queue.declare", { queue: "fuzz.calls", exclusive: true });
  client.publish(1, { routingKey: "fuzz.calls" }, "question", { replyTo: "amq.rabbitmq.reply-to", correlationId: "1" });
  await client.get(1, { queue: "fuzz.calls", noAck: true });
  await client.call(1, "channel.flow", { active: true });
  await client.call(1, "access.request", { realm: "/data" });
  await client.call(2, "channel.open");
  // Refused whatever a damaged session may have declared: no bit of it makes the queue.
  client.send(2, "queue.purge", { queue: "fuzz.missing" });
  await client.find(2, "channel.close");
  client.send(2, "channel.close-ok");
  await client.call(2, "channel.open");
}

async function openChannel(client: RawClient, frameMax?: number): Promise<void> {
  await handshake(client, frameMax === undefined ? {} : { frameMax });
  await client.call(1, "channel.open");
}

/** Keeps a copy of all that is written to the stream from now on. */
function record(stream: Duplex): Buffer[] {
  const sent: Buffer[] = [];
  const write = stream.write.bind(stream) as (chunk: Uint8Array) => boolean;
  stream.write = ((chunk: Uint8Array): boolean => {
    sent.push(Buffer.from(chunk));
    return write(chunk);
  }) as Duplex["write"];
  return sent;
}

function split(bytes: Buffer): Buffer[] {
  const pieces = [bytes.subarray(0, PROTOCOL_HEADER.length)];
  assert.deepEqual(pieces[0], PROTOCOL_HEADER);
  for (let start = PROTOCOL_HEADER.length; start < bytes.length; ) {
    const end = start + FRAME_HEAD_BYTES + bytes.readUInt32BE(start + 3) + 1;
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}
