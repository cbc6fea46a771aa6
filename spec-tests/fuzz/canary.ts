import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { handshake } from "../support/handshake.ts";
import { RawClient } from "../support/raw-client.ts";
import { LASTING_EXCHANGES, LASTING_QUEUES } from "./recorded-sessions.ts";

const QUEUE = "canary";

/** A well-behaved client that must not notice what others do to the broker. */
export class Canary {
  readonly #client: RawClient;
  #beats = 0;

  private constructor(client: RawClient) {
    this.#client = client;
  }

  static async start(stream: Duplex): Promise<Canary> {
    const client = new RawClient(stream, 10_000);
    await handshake(client);
    await client.call(1, "channel.open");
    await client.call(1, "queue.declare", { queue: QUEUE, exclusive: true });
    await client.call(1, "confirm.select");
    await client.call(1, "basic.consume", { queue: QUEUE });
    return new Canary(client);
  }

  /** Publishes a persistent message and gets its confirm and the message itself, and nothing else. */
  async beat(): Promise<void> {
    const body = `beat ${++this.#beats}`;
    this.#client.publish(1, { routingKey: QUEUE }, body, { deliveryMode: 2 });
    const confirm = await this.#client.find(1, "basic.ack");
    assert.equal(confirm.args.deliveryTag, this.#beats);
    const delivery = await this.#client.find(1, "basic.deliver");
    assert.deepEqual([delivery.body.toString(), delivery.args.redelivered], [body, false]);
    this.#client.send(1, "basic.ack", { deliveryTag: delivery.args.deliveryTag });
    assert.deepEqual(this.#client.waiting(1), []);
    // Only what the broker keeps counts as its memory.
    this.#client.frames.length = 0;
  }

  /** Deletes what mutated sessions have left behind under the names of the recorded ones, for the sake of the next. */
  async sweep(): Promise<void> {
    for (const queue of LASTING_QUEUES) await this.#client.call(1, "queue.delete", { queue });
    for (const exchange of LASTING_EXCHANGES) await this.#client.call(1, "exchange.delete", { exchange });
  }

  stop(): Promise<void> {
    return this.#client.close();
  }
}
