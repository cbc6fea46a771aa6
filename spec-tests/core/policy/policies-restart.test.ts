import assert from "node:assert/strict";
import { test } from "node:test";
import type { Broker } from "../../../src/core/broker.ts";
import type { Vhost } from "../../../src/core/vhost.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { openLmdbStore } from "../../../src/store/lmdb-store.ts";
import { EMPTY_TABLE } from "../../../src/wire/field-table.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { startTestBroker } from "../../support/test-broker.ts";

async function withBroker(directory: string, body: (broker: Broker) => void): Promise<void> {
  const { broker, close } = startTestBroker({ store: openLmdbStore({ directory, logger: silentLogger }) });
  try {
    body(broker);
  } finally {
    await close();
  }
}

test("[policy/restart] policies, limits and what is known of a virtual host survive, and are in effect at once", async (context) => {
  const directory = temporaryDirectory(context);
  await withBroker(directory, (broker) => {
    const metadata = { description: "orders", tags: ["a", "b"], defaultQueueType: "quorum" } as const;
    const vhost = broker.createVhost("v", metadata);
    vhost.addQueue({ name: "q", durable: true, autoDelete: false, exclusiveOwner: undefined, arguments: EMPTY_TABLE });
    vhost.addExchange({
      name: "x",
      type: "direct",
      durable: true,
      autoDelete: false,
      internal: false,
      arguments: EMPTY_TABLE,
    });
    broker.policies.set("policy", "v", "p", {
      pattern: "",
      definition: { "max-length": 9, "alternate-exchange": "ae" },
    });
    broker.policies.set("operator-policy", "v", "o", { pattern: "^q", definition: { "max-length": 3 } });
    broker.usage.vhosts.update("v", { "max-queues": 7 });
    broker.usage.users.update("guest", { "max-channels": 8 });
  });
  await withBroker(directory, (broker) => {
    const vhost = broker.findVhost("v") as Vhost;
    assert.deepEqual(vhost.metadata, { description: "orders", tags: ["a", "b"], defaultQueueType: "quorum" });
    assert.equal(vhost.requireQueue("q").settings.lengthMax, 3);
    const alternates = ["x", "amq.topic"].map((name) => vhost.requireExchange(name).alternateExchange);
    assert.deepEqual(alternates, ["ae", "ae"]);
    assert.equal(broker.usage.queuesMax("v"), 7);
    assert.equal(broker.usage.users.limit("guest", "max-channels"), 8);
    broker.policies.delete("operator-policy", "v", "o");
    broker.usage.vhosts.clear("v");
    broker.updateVhost(vhost, { description: "", tags: [], defaultQueueType: undefined });
  });
  await withBroker(directory, (broker) => {
    const vhost = broker.findVhost("v") as Vhost;
    assert.equal(vhost.requireQueue("q").settings.lengthMax, 9);
    assert.deepEqual(vhost.metadata, { description: "", tags: [], defaultQueueType: undefined });
    assert.equal(broker.usage.queuesMax("v"), Number.POSITIVE_INFINITY);
    broker.deleteVhost(vhost);
  });
  await withBroker(directory, (broker) => {
    assert.equal(broker.findVhost("v"), undefined);
    assert.deepEqual([...broker.policies.list("policy")], []);
  });
});
