import assert from "node:assert/strict";
import { test } from "node:test";
import { declareQueue } from "../../../src/core/commands/declare-queue.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { queueSpec, refused, Topology } from "./topology.ts";

const LOCKED =
  "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on another " +
  "connection or the exclusive property value does not match that of the original declaration.";

test("[queue.declare] creates a queue with the given properties", () => {
  const topology = new Topology();
  const declared = topology.queue("q", { durable: true, autoDelete: true });
  assert.deepEqual(declared, { name: "q", messageCount: 0, consumerCount: 0, created: true });
  const { durable, autoDelete, exclusiveOwner, vhostName } = topology.fakeQueue("q");
  assert.deepEqual([durable, autoDelete, exclusiveOwner, vhostName], [true, true, undefined, "/"]);
});

test("[queue.declare] an equal redeclare changes nothing and reports ready messages and consumers", () => {
  const topology = new Topology();
  topology.queue("q", { durable: true });
  Object.assign(topology.fakeQueue("q"), { readyCount: 3, consumerCount: 2 });
  const { topologyGeneration } = topology.vhost;
  const declared = topology.queue("q", { durable: true });
  assert.deepEqual(declared, { name: "q", messageCount: 3, consumerCount: 2, created: false });
  assert.equal(topology.vhost.topologyGeneration, topologyGeneration);
});

test("[queue.declare] an empty name gets amq.gen- and 22 characters of base64url", () => {
  const topology = new Topology();
  const { name } = topology.queue("");
  assert.match(name, /^amq\.gen-[A-Za-z0-9_-]{22}$/);
  assert(topology.hasQueue(name));
  assert.notEqual(topology.queue("\r\n").name, name);
});

test("[queue.declare/reserved] creating amq.* is 403, before permissions", () => {
  const topology = new Topology();
  refused(
    () => declareQueue(topology.restrictedTo({}), queueSpec("amq.mine")),
    "ACCESS_REFUSED",
    "queue name 'amq.mine' contains reserved prefix 'amq.*'",
  );
});

test("[queue.declare/reserved] a server-named queue may be declared again by its name", () => {
  const topology = new Topology();
  const { name } = topology.queue("", { exclusive: true });
  assert.equal(topology.queue(name, { exclusive: true }).created, false);
  assert.equal(topology.queue(name, { passive: true }).name, name);
});

test("[queue.declare] carriage returns and line feeds are removed from the name", () => {
  const topology = new Topology();
  assert.equal(topology.queue("a\r\nb").name, "ab");
  assert.equal(topology.queue("a\nb", { passive: true }).name, "ab");
});

test("[queue.declare] a name of more than 255 octets is 406", () => {
  const topology = new Topology();
  topology.queue("é".repeat(127));
  refused(() => topology.queue("é".repeat(128)), "PRECONDITION_FAILED", "queue name is longer than 255 octets");
});

test("[queue.declare/passive] a missing queue is 404, the empty name included", () => {
  const topology = new Topology();
  refused(() => topology.queue("q", { passive: true }), "NOT_FOUND", "no queue 'q' in vhost '/'");
  refused(() => topology.queue("", { passive: true }), "NOT_FOUND", "no queue '' in vhost '/'");
});

test("[queue.declare/passive] nothing but the name matters, and the counts are reported", () => {
  const topology = new Topology();
  topology.queue("q", { durable: true });
  topology.fakeQueue("q").readyCount = 5;
  const declared = topology.queue("q", { passive: true, autoDelete: true, arguments: tableFrom({ "x-expires": "?" }) });
  assert.deepEqual(declared, { name: "q", messageCount: 5, consumerCount: 0, created: false });
});

test("[queue.declare/permissions] creating and redeclaring need configure", () => {
  const topology = new Topology();
  topology.queue("q");
  const bob = topology.restrictedTo({ write: ".*", read: ".*" });
  for (const name of ["q", "new"]) {
    refused(
      () => declareQueue(bob, queueSpec(name)),
      "ACCESS_REFUSED",
      `configure access to queue '${name}' in vhost '/' refused for user 'bob'`,
    );
  }
});

test("[queue.declare/permissions] a passive declare needs any of configure, write and read", () => {
  const topology = new Topology();
  topology.queue("q");
  for (const access of [{ configure: "^q$" }, { write: "^q$" }, { read: "^q$" }]) {
    declareQueue(topology.restrictedTo(access), queueSpec("q", { passive: true }));
  }
  refused(
    () => declareQueue(topology.restrictedTo({}), queueSpec("q", { passive: true })),
    "ACCESS_REFUSED",
    "configure access to queue 'q' in vhost '/' refused for user 'bob'",
  );
});

test("[queue.declare/permissions] x-dead-letter-exchange needs read on the queue and write on the exchange", () => {
  const topology = new Topology();
  const to = (exchange: string) => queueSpec("q", { arguments: tableFrom({ "x-dead-letter-exchange": exchange }) });
  refused(
    () => declareQueue(topology.restrictedTo({ configure: "q", write: "dlx" }), to("dlx")),
    "ACCESS_REFUSED",
    "read access to queue 'q' in vhost '/' refused for user 'bob'",
  );
  refused(
    () => declareQueue(topology.restrictedTo({ configure: "q", read: "q" }), to("dlx")),
    "ACCESS_REFUSED",
    "write access to exchange 'dlx' in vhost '/' refused for user 'bob'",
  );
  refused(
    () => declareQueue(topology.restrictedTo({ configure: "q", read: "q" }), to("")),
    "ACCESS_REFUSED",
    "write access to exchange 'amq.default' in vhost '/' refused for user 'bob'",
  );
  declareQueue(topology.restrictedTo({ configure: "q", read: "q", write: "dlx" }), to("dlx"));
  declareQueue(topology.restrictedTo({ configure: "q" }), to("dlx"));
});

test("[queue.declare/exclusive] the queue belongs to the connection, and any other gets 405, passively too", () => {
  const topology = new Topology();
  topology.queue("q", { exclusive: true });
  const other = topology.otherConnection();
  refused(() => declareQueue(other, queueSpec("q", { exclusive: true })), "RESOURCE_LOCKED", LOCKED);
  refused(() => declareQueue(other, queueSpec("q")), "RESOURCE_LOCKED", LOCKED);
  refused(() => declareQueue(other, queueSpec("q", { passive: true })), "RESOURCE_LOCKED", LOCKED);
  assert.equal(topology.queue("q", { exclusive: true }).created, false);
  assert.equal(topology.queue("q", { passive: true }).created, false);
});

test("[queue.declare/exclusive] the owner must not leave exclusive out, nor may it be added", () => {
  const topology = new Topology();
  topology.queue("q", { exclusive: true });
  refused(() => topology.queue("q", { exclusive: false, durable: true }), "RESOURCE_LOCKED", LOCKED);
  const shared = new Topology();
  shared.queue("q");
  refused(() => shared.queue("q", { exclusive: true }), "RESOURCE_LOCKED", LOCKED);
});

test("[queue.declare/exclusive] durable and exclusive is kept as non-durable, and declared again as either", () => {
  const topology = new Topology();
  topology.queue("q", { exclusive: true, durable: true });
  assert.equal(topology.fakeQueue("q").durable, false);
  assert.deepEqual(topology.stored("queue"), []);
  topology.queue("q", { exclusive: true, durable: true });
  topology.queue("q", { exclusive: true, durable: false });
});

test("[queue.declare/durable] only durable queues are stored, each with the id the store knows it by", () => {
  const topology = new Topology();
  topology.queue("transient");
  topology.queue("durable", { durable: true, autoDelete: true, arguments: tableFrom({ "x-max-length": 5 }) });
  assert.deepEqual(topology.stored("queue"), [
    { vhost: "/", name: "durable", queueId: 2, autoDelete: true, arguments: [["x-max-length", "long", "5"]] },
  ]);
});

test("[queue.declare] one queue more than the limit is 406, redeclaring at the limit is not", () => {
  const topology = new Topology({ queuesMax: 1 });
  topology.queue("q");
  topology.queue("q");
  refused(
    () => topology.queue("r"),
    "PRECONDITION_FAILED",
    "cannot declare queue 'r': queue limit in vhost '/' (1) is reached",
  );
});

test("[queue.declare] queues neither durable nor exclusive can be switched off", () => {
  const topology = new Topology({ transientQueuesPermitted: false });
  topology.queue("durable", { durable: true });
  topology.queue("exclusive", { exclusive: true });
  refused(
    () => topology.queue("transient"),
    "PRECONDITION_FAILED",
    "Feature `transient_nonexcl_queues` is deprecated.\nBy default, this feature is not permitted anymore.",
  );
});

test("[queue.declare] the direct reply-to queue is there for everyone, a requester's queue while it lives", () => {
  const topology = new Topology();
  const live = "amq.rabbitmq.reply-to.live";
  topology.vhost.replies = { isLive: (name) => name === live, destination: () => undefined };
  const nobody = topology.restrictedTo({});
  for (const name of ["amq.rabbitmq.reply-to", live]) {
    for (const passive of [false, true]) {
      const declared = declareQueue(nobody, queueSpec(name, { passive }));
      assert.deepEqual(declared, { name, messageCount: 0, consumerCount: 1, created: false });
    }
  }
  refused(
    () => declareQueue(nobody, queueSpec("amq.rabbitmq.reply-to.gone")),
    "NOT_FOUND",
    "no queue 'amq.rabbitmq.reply-to.gone' in vhost '/'",
  );
});
