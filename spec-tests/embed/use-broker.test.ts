import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type EmbeddedBroker, useBroker } from "../../src/index.ts";

describe("[embedding/use-broker] with the hooks of node:test", () => {
  const broker = useBroker({ before, afterEach, after });
  let first: EmbeddedBroker;

  test("[embedding/use-broker] a test finds a broker that records", async () => {
    first = broker();
    const channel = await first.openChannel();
    await channel.declareQueue("mine", { durable: true });
    await channel.sendToQueue("mine", "hello");
    assert.equal(first.published().length, 1);
  });

  test("[embedding/use-broker] the next test finds the same broker without what the one before has left", () => {
    assert.equal(broker(), first);
    assert.deepEqual(broker().queueNames(), []);
    assert.deepEqual(broker().published(), []);
  });
});

describe("[embedding/use-broker] with the hooks of vitest and jest", () => {
  const broker = useBroker({ beforeAll: before, afterEach, afterAll: after });

  test("[embedding/use-broker] a test finds a broker", () => {
    assert.deepEqual(broker().queueNames(), []);
  });
});

test("[embedding/use-broker] before the hooks have run there is no broker, and it says so", () => {
  const ignore = (): void => {};
  const broker = useBroker({ beforeAll: ignore, afterEach: ignore, afterAll: ignore });
  assert.throws(broker, /beforeAll has not been called/);
});
