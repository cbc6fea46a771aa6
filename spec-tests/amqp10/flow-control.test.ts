import assert from "node:assert/strict";
import { test } from "node:test";
import { event, openSender, outcome, send, startAmqp10Broker } from "./test-client.ts";

test("[alarm] while one is raised, a connection that publishes is not read from; it goes on afterwards", async (t) => {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q" });
  const client = await broker.client();
  const sender = await openSender(client, "/queues/q");
  broker.broker.alarms.raise("memory");
  await send(sender, { body: "the one that meets the alarm is taken" });
  let accepted = false;
  const next = outcome(sender).then((result) => {
    accepted = true;
    return result;
  });
  sender.send({ body: "the next waits" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(accepted, false);
  broker.broker.alarms.clear("memory");
  assert.equal((await next).outcome, "accepted");
});

test("[link] one that is attached again on another handle is stolen from the first", async (t) => {
  const broker = startAmqp10Broker(t);
  const client = await broker.client();
  const first = await openSender(client, {}, { name: "same" });
  const stolen = event(first, "sender_error", []);
  const session = first.session as unknown as { links: Record<string, unknown> };
  delete session.links["same"];
  session.links["first"] = first;
  await openSender(client, {}, { name: "same" });
  const { sender } = await stolen;
  assert.equal((sender?.error as { condition?: string } | undefined)?.condition, "amqp:link:stolen");
});
