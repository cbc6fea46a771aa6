import assert from "node:assert/strict";
import { test } from "node:test";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import { bool, type Typed, uint } from "../../src/amqp10/codec/types.ts";
import { RawClient } from "./hostile-client.ts";
import { event, openSender, outcome, send, startAmqp10Broker } from "./test-client.ts";

/** A flow that asks for one in return. */
const ECHO: readonly (Typed | undefined)[] = [
  uint(0),
  uint(1000),
  uint(0),
  uint(1000),
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  bool(true),
];

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

test("[share of a turn] a client that sends much is not heard out before the others", async (t) => {
  const broker = startAmqp10Broker(t);
  const [busy, other] = [new RawClient(broker.stream()), new RawClient(broker.stream())];
  await Promise.all([busy.next(PERFORMATIVES.begin), other.next(PERFORMATIVES.begin)]);
  const answered = (): number => busy.history.filter(({ code }) => code === PERFORMATIVES.flow).length;
  busy.together(() => {
    for (let index = 0; index < 2_000; index++) busy.send(0, PERFORMATIVES.flow, ECHO);
    busy.begin(1);
  });
  other.begin(1);
  await other.next(PERFORMATIVES.begin);
  assert(answered() <= 800, `${answered()} answers in two turns`);
  await busy.next(PERFORMATIVES.begin);
  assert.equal(answered(), 2_000);
});
