import assert from "node:assert/strict";
import { test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { ConfigError, StartError, startBroker } from "../../src/index.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("[embedding] a broker starts on a free port, passes a message and stops", async () => {
  const broker = await startBroker();
  try {
    assert.equal(broker.url, `amqp://guest:guest@127.0.0.1:${broker.port}`);
    const client = await new AMQPClient(broker.url).connect();
    const channel = await client.channel();
    const { name } = await channel.queueDeclare("");
    await channel.basicPublish("", name, "hello");
    assert.equal((await channel.basicGet(name))?.bodyString(), "hello");
    await client.close();
  } finally {
    await broker.close();
    await broker.close();
  }
});

test("[embedding] two brokers in one process know nothing of each other", async () => {
  const brokers = [await startBroker(), await startBroker()] as const;
  try {
    const [one, other] = await Promise.all(brokers.map(({ url }) => new AMQPClient(url).connect()));
    await (await one!.channel()).queueDeclare("mine", { autoDelete: false, durable: true });
    const channel = await other!.channel();
    await assert.rejects(channel.queueDeclare("mine", { passive: true }), /NOT_FOUND/);
    await Promise.all([one!.close(), other!.close()]);
  } finally {
    await Promise.all(brokers.map((broker) => broker.close()));
  }
});

test("[embedding] with a data directory, what is durable outlives the broker", async (context) => {
  const dataDir = temporaryDirectory(context);
  for (const passive of [false, true]) {
    const broker = await startBroker({ dataDir });
    try {
      const client = await new AMQPClient(broker.url).connect();
      await (await client.channel()).queueDeclare("kept", { durable: true, passive });
      await client.close();
    } finally {
      await broker.close();
    }
  }
});

test("[embedding] options reach the broker: a connection beyond connectionsMax is refused with 530", async () => {
  const broker = await startBroker({ connectionsMax: 1 });
  try {
    const client = await new AMQPClient(broker.url).connect();
    await assert.rejects(new AMQPClient(broker.url).connect(), /NOT_ALLOWED/);
    await client.close();
  } finally {
    await broker.close();
  }
});

test("[embedding] options that are not allowed are refused by name", async () => {
  const misspelt = { prot: 1 } as object;
  await assert.rejects(startBroker(misspelt), (error) => {
    assert(error instanceof ConfigError);
    assert.equal(error.message, "prot of startBroker is not an option; did you mean port of startBroker?");
    return true;
  });
  await assert.rejects(startBroker({ port: -1 }), /port of startBroker is -1, but must be an integer from 0 to 65535/);
});

test("[embedding] a port in use is an error, and leaves nothing running", async () => {
  const broker = await startBroker();
  try {
    await assert.rejects(startBroker({ port: broker.port }), StartError);
  } finally {
    await broker.close();
  }
});
