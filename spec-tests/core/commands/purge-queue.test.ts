import assert from "node:assert/strict";
import { test } from "node:test";
import { purgeQueue } from "../../../src/core/commands/purge-queue.ts";
import { refused, Topology } from "./topology.ts";

test("[queue.purge] returns how many ready messages it removed and keeps the queue", () => {
  const topology = new Topology();
  topology.queue("q");
  topology.fakeQueue("q").readyCount = 4;
  assert.equal(purgeQueue(topology.context, "q"), 4);
  assert.equal(purgeQueue(topology.context, "q"), 0);
});

test("[queue.purge] a missing queue is 404, after the check for read access", () => {
  const topology = new Topology();
  refused(() => purgeQueue(topology.context, "q"), "NOT_FOUND", "no queue 'q' in vhost '/'");
  refused(
    () => purgeQueue(topology.restrictedTo({ configure: ".*", write: ".*" }), "q"),
    "ACCESS_REFUSED",
    "read access to queue 'q' in vhost '/' refused for user 'bob'",
  );
});

test("[queue.purge/exclusive] another connection's exclusive queue is 405", () => {
  const topology = new Topology();
  topology.queue("q", { exclusive: true });
  refused(
    () => purgeQueue(topology.otherConnection(), "q"),
    "RESOURCE_LOCKED",
    "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on another " +
      "connection or the exclusive property value does not match that of the original declaration.",
  );
});
