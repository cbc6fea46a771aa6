import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import rhea from "rhea";
import { drain } from "../support/queues.ts";
import { openServer } from "../support/server.ts";
import { tcpClient } from "../support/tcp-client.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

// A TCP socket tells of the client's end although the broker has paused it, while it waits for the disk.
test("[connection/half-close] what a client on TCP has asked is answered, and what came behind it is done", async (context) => {
  const server = await openServer(context, { memory: false, dataDir: temporaryDirectory(context) });
  const { client } = await tcpClient(context, server.port);
  for (const queue of ["a", "b"]) {
    client.send(1, "queue.declare", { queue, durable: true });
    client.publish(1, { exchange: "", routingKey: queue }, "behind");
  }
  client.end();
  await client.expect(1, "queue.declare-ok");
  await client.expect(1, "queue.declare-ok");
  await client.expectEnd();
  const { client: other } = await tcpClient(context, server.port);
  assert.deepEqual([await drain(other, "a"), await drain(other, "b")], [["behind"], ["behind"]]);
  await other.close();
});

// The alarm holds back what comes behind the publish that meets it, of which up to one read has been received.
test("[connection/half-close] a client that ends its side while an alarm holds it back loses nothing of what it has sent", async (context) => {
  const server = await openServer(context);
  const { client, socket } = await tcpClient(context, server.port);
  await client.call(1, "queue.declare", { queue: "a" });
  server.broker.alarms.raise("memory");
  const numbers = Array.from({ length: 100 }, (_, index) => String(index));
  socket.cork();
  for (const number of numbers) client.publish(1, { routingKey: "a" }, number);
  client.send(1, "queue.declare", { queue: "b" });
  socket.uncork();
  client.end();
  await client.expect(1, "queue.declare-ok");
  await client.expectEnd();
  server.broker.alarms.clear("memory");
  const { client: other } = await tcpClient(context, server.port);
  assert.deepEqual(await drain(other, "a"), numbers);
  await other.close();
});

test("[connection/half-close] what has not been received when the alarm came is received after it", async (context) => {
  const server = await openServer(context);
  const { client } = await tcpClient(context, server.port);
  await client.call(1, "queue.declare", { queue: "a" });
  server.broker.alarms.raise("memory");
  const bodies = Array.from({ length: 100 }, (_, index) => String(index).padEnd(50_000));
  for (const body of bodies) client.publish(1, { routingKey: "a" }, body);
  client.end();
  await client.expect(0, "connection.blocked");
  server.broker.alarms.clear("memory");
  await client.expectEnd();
  const { client: other } = await tcpClient(context, server.port);
  assert.deepEqual(await drain(other, "a"), bodies);
  await other.close();
});

test("[connection/half-close] the same holds for a client of AMQP 1.0", async (context) => {
  const server = await openServer(context);
  const { client: other } = await tcpClient(context, server.port);
  await other.call(1, "queue.declare", { queue: "a" });
  const options = { port: server.port, username: "guest", password: "guest", reconnect: false };
  const connection = rhea.create_container().connect(options);
  connection.on("disconnected", () => {});
  const sender = connection.open_sender("/queues/a");
  await once(sender, "sendable");
  server.broker.alarms.raise("memory");
  const numbers = Array.from({ length: 50 }, (_, index) => String(index));
  for (const number of numbers) sender.send({ body: rhea.message.data_section(Buffer.from(number)) });
  // The client writes at the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  const { socket } = connection as unknown as { socket: Socket };
  socket.end();
  await once(socket, "close");
  assert.deepEqual(await drain(other, "a"), numbers);
  await other.close();
});
