import assert from "node:assert/strict";
import { FRAME_METHOD } from "../../src/wire/frame.ts";
import { methodTest } from "../support/method-test.ts";
import { methodPayload } from "../support/raw-frames.ts";

methodTest("[access.request] is answered with ticket 1, whatever is asked for", async (broker) => {
  const client = await broker.channel();
  assert.deepEqual(await client.call(1, "access.request", { realm: "/data", active: true }), { ticket: 1 });
  assert.deepEqual(await client.call(1, "access.request", { realm: "anything" }), { ticket: 1 });
});

methodTest("[access.request] tickets in other methods are ignored", async (broker) => {
  const client = await broker.channel();
  const ticket = 4711;
  const queue = broker.name("queue");
  const args = Buffer.concat([
    Buffer.from([ticket >> 8, ticket & 0xff, queue.length]),
    Buffer.from(queue),
    Buffer.from([0b0000_0100, 0, 0, 0, 0]),
  ]);
  client.sendFrame(FRAME_METHOD, 1, methodPayload(50, 10, args));
  assert.equal((await client.expect(1, "queue.declare-ok")).queue, queue);
});
