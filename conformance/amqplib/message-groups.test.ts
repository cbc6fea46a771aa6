import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConsumeMessage, connect } from "amqplib";
import { brokerUnderTest, skipUnlessLeveret } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { Link } from "../support/link.ts";
import { declareQueue, openChannel, openConnection, text } from "./connection.ts";

const url = await brokerUnderTest();
const GROUPS = 20;
const MESSAGES_PER_GROUP = 15;

/** The messages of all groups, in an order that mixes them. */
function mixed(): { customer: string; body: string }[] {
  const messages: { customer: string; body: string }[] = [];
  for (let number = 0; number < MESSAGES_PER_GROUP; number++) {
    for (let group = 0; group < GROUPS; group++) {
      const customer = `customer ${(group * 7 + number) % GROUPS}`;
      messages.push({ customer, body: `${customer}: ${number}` });
    }
  }
  return messages;
}

for (const type of ["classic", "quorum"]) {
  test(`message groups (${type}): order holds within each group, though a worker dies and another returns messages`, {
    skip: skipUnlessLeveret,
  }, async (t) => {
    const client = await openConnection(t, url);
    const queue = await declareQueue(t, client, "orders", {
      durable: true,
      arguments: { "x-queue-type": type, "x-group-header": "customer" },
    });
    const channel = await client.createChannel();
    for (const { customer, body } of mixed()) channel.sendToQueue(queue, Buffer.from(body), { headers: { customer } });
    await channel.checkQueue(queue);

    const link = await Link.open(t, url);
    const doomedConnection = await connect(link.url);
    doomedConnection.on("error", () => undefined);
    const doomed = await doomedConnection.createChannel();
    await doomed.prefetch(10);
    const taken = new Inbox<ConsumeMessage | null>();
    await doomed.consume(queue, (message) => taken.put(message));
    await taken.take(10);

    const done = new Map<string, string[]>();
    const busy = new Map<string, number>();
    const finished = new Inbox<number>();
    let count = 0;
    for (const worker of [1, 2, 3]) {
      const own = await openChannel(t, await openConnection(t, url));
      await own.prefetch(worker);
      await own.consume(queue, (message) => {
        if (message === null) return;
        const customer = message.properties.headers?.["customer"] as string;
        assert.equal(busy.get(customer) ?? worker, worker, `${customer} is with one worker at a time`);
        busy.set(customer, worker);
        setImmediate(() => {
          const bodies = done.get(customer) ?? [];
          done.set(customer, bodies);
          const isNext = text(message) === `${customer}: ${bodies.length}`;
          busy.delete(customer);
          // One failure now and then, and all that follows it of the group.
          if (!isNext || (!message.fields.redelivered && ++count % 17 === 0)) {
            own.nack(message, false, true);
            return;
          }
          bodies.push(text(message));
          own.ack(message);
          if (bodies.length === MESSAGES_PER_GROUP) finished.put(worker);
        });
      });
    }
    link.cut();

    await finished.take(GROUPS);
    for (const [customer, bodies] of done) {
      assert.deepEqual(
        bodies,
        Array.from({ length: MESSAGES_PER_GROUP }, (_, number) => `${customer}: ${number}`),
      );
    }
  });
}
