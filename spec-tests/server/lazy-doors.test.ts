import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { dial } from "../support/dial.ts";
import { openServer } from "../support/server.ts";
import { eventually } from "../support/waiting.ts";

// One test in a file of its own: what it is about happens once in a process, when the first client of a kind comes.
test("[doors] a client that goes while what serves it is being loaded leaves nothing behind", async (context) => {
  const server = await openServer(context);
  const before = server.broker.connectionCount;
  const hellos = ["AMQP\x00\x01\x00\x00", "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"];
  const sockets = await Promise.all([...hellos, ...hellos, ...hellos].map(() => dial(context, server)));
  for (const [index, socket] of sockets.entries()) socket.write(Buffer.from(hellos[index % 2] as string, "latin1"));
  // Some are reset just after the server has seen what they speak.
  for (const socket of sockets) {
    await setTimeout(2);
    socket.resetAndDestroy();
  }
  // Both are loaded when others of their kind have been answered.
  for (const hello of hellos) {
    const socket = await dial(context, server);
    const answered = new Promise((resolve) => socket.once("data", resolve));
    socket.write(Buffer.from(hello, "latin1"));
    await answered;
    socket.destroy();
  }
  await eventually("no connection is left", () => server.broker.connectionCount === before);
  await server.close();
  assert.equal(server.broker.connectionCount, 0);
});
