import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startLeveret } from "../cli/leveret-process.ts";
import { METHODS } from "../../src/wire/methods.ts";
import type { RawClient } from "../support/raw-client.ts";
import { tcpClient } from "../support/tcp-client.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** What a file may grow to, in KiB. The write beyond fails with EFBIG, as one on a full disk does with ENOSPC. */
const SMALL_DISK = ["bash", "-c", 'trap "" XFSZ; ulimit -f 10000; exec "$@"', "bash"];
const BODY_BYTES = 4_000;
const BATCH = 50;
const BATCHES_MAX = 100;
/** More than two attempts to write take. */
const OUTAGE_MILLISECONDS = 1_200;
const WAIT_MILLISECONDS = 10_000;

/** Class and method id. */
const METHOD_BYTES = 4;
const ACK = (METHODS["basic.ack"].classId << 16) | METHODS["basic.ack"].methodId;
const NACK = (METHODS["basic.nack"].classId << 16) | METHODS["basic.nack"].methodId;

/** Publishes numbered messages and notes what the broker says of each. */
class Publisher {
  readonly confirmed = new Set<number>();
  readonly refused = new Set<number>();
  published = 0;
  readonly #client: RawClient;
  #framesSeen = 0;

  constructor(client: RawClient) {
    this.#client = client;
  }

  publish(count: number): void {
    for (let index = 0; index < count; index++) {
      const body = Buffer.alloc(BODY_BYTES);
      body.writeUInt32BE(this.published++);
      this.#client.publish(1, { routingKey: "q" }, body, { deliveryMode: 2 });
    }
  }

  /** Waits for a confirm or refusal of every message, or until the broker has said that it is blocked. */
  async settled(): Promise<void> {
    const deadline = performance.now() + WAIT_MILLISECONDS;
    while (this.note() < this.published && !this.#client.waiting(0).includes("connection.blocked")) {
      assert(performance.now() < deadline, `${this.note()} of ${this.published} messages confirmed or refused`);
      await sleep(5);
    }
  }

  /** Notes what has arrived, and returns how many messages are confirmed or refused. */
  note(): number {
    for (const { channel, payload } of this.#client.frames.slice(this.#framesSeen)) {
      const method = payload.length < METHOD_BYTES ? 0 : payload.readUInt32BE(0);
      const outcome = method === ACK ? this.confirmed : this.refused;
      if (channel !== 1 || (method !== ACK && method !== NACK)) continue;
      const deliveryTag = Number(payload.readBigUInt64BE(METHOD_BYTES));
      const multiple = (payload.readUInt8(METHOD_BYTES + 8) & 1) !== 0;
      for (let number = multiple ? 0 : deliveryTag - 1; number < deliveryTag; number++) {
        if (!this.confirmed.has(number) && !this.refused.has(number)) outcome.add(number);
      }
    }
    this.#framesSeen = this.#client.frames.length;
    return this.confirmed.size + this.refused.size;
  }
}

/** Takes and acknowledges the first `count` messages of the queue and returns their numbers. */
async function consume(context: TestContext, port: number, count: number): Promise<number[]> {
  const { client, socket } = await tcpClient(context, port);
  const numbers: number[] = [];
  await client.call(1, "basic.qos", { prefetchCount: count });
  await client.call(1, "basic.consume", { queue: "q" });
  let deliveryTag = 0;
  while (numbers.length < count) {
    const delivery = await client.expectContent(1, "basic.deliver");
    numbers.push(delivery.body.readUInt32BE(0));
    deliveryTag = delivery.args.deliveryTag;
  }
  client.send(1, "basic.ack", { deliveryTag, multiple: true });
  await client.close();
  socket.destroy();
  return numbers;
}

test("[crash/full-disk] nothing is promised that is not stored, consumers are served, and room made is used", {
  skip: process.platform === "win32",
}, async (context) => {
  const args = ["--data-dir", temporaryDirectory(context)];
  const { leveret, port } = await startLeveret(context, args, SMALL_DISK);
  const { client: publishing } = await tcpClient(context, port);
  await publishing.call(1, "queue.declare", { queue: "q", durable: true });
  await publishing.call(1, "confirm.select");
  const publisher = new Publisher(publishing);
  for (let batch = 0; batch < BATCHES_MAX && publishing.waiting(0).length === 0; batch++) {
    publisher.publish(BATCH);
    await publisher.settled();
  }
  assert.equal((await publishing.expect(0, "connection.blocked")).reason, "low on disk");
  assert(publisher.confirmed.size > BATCH, `${publisher.confirmed.size} confirmed`);

  const { client: declaring } = await tcpClient(context, port);
  declaring.send(1, "queue.declare", { queue: "later", durable: true });
  const { client: other } = await tcpClient(context, port);
  await other.call(1, "queue.declare", { queue: "q", passive: true });
  await other.call(1, "queue.declare", { queue: "brief", exclusive: true });
  await sleep(OUTAGE_MILLISECONDS);
  assert.deepEqual(declaring.waiting(1), []);
  publisher.note();
  assert(publisher.refused.size > 0);

  const consumed = await consume(context, port, Math.floor(publisher.confirmed.size / 2));
  await publishing.expect(0, "connection.unblocked");
  await declaring.expect(1, "queue.declare-ok");
  publisher.publish(BATCH);
  await publisher.settled();
  const errors = leveret.stdout.split("\n").filter((line) => line.includes('"level":"error"'));
  assert.equal(errors.length, 1, errors.join("\n"));
  assert.match(errors[0] as string, /store cannot write/);

  leveret.signal("SIGKILL");
  await leveret.ended;
  const { port: portAfter } = await startLeveret(context, args);
  const { client: checking } = await tcpClient(context, portAfter);
  const { messageCount } = await checking.call(1, "queue.declare", { queue: "q", passive: true });
  const kept = await consume(context, portAfter, messageCount);
  const gone = new Set(consumed);
  const certain = [...publisher.confirmed].filter((number) => !gone.has(number)).sort((a, b) => a - b);
  // A refused message may be there all the same: the broker goes on trying to write it.
  assert.deepEqual(
    kept.filter((number) => !publisher.refused.has(number)),
    certain,
  );
});
