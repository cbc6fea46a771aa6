import assert from "node:assert/strict";
import { test } from "node:test";
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
});
