import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";

methodTest("[channel.flow] active=true is answered with flow-ok active=true", async (broker) => {
  const client = await broker.channel();
  assert.deepEqual(await client.call(1, "channel.flow", { active: true }), { active: true });
});

methodTest("[channel.flow] active=false is 540 active=false", async (broker) => {
  const client = await broker.channel();
  client.send(1, "channel.flow", { active: false });
  await client.expectConnectionClose(540, "NOT_IMPLEMENTED - active=false", 20, 20);
  await client.expectEnd();
});
