import assert from "node:assert/strict";
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import type { Role } from "./roles.ts";

const DELETE_PROBABILITY = 0.3;
const KEPT_MAX = 15;

type Thing = "exchange" | "queue" | "binding";

/** What the broker has promised about durable exchanges, and queues of the same names bound to them. */
export class TopologyLedger {
  /** Per name, what has been confirmed to exist. */
  readonly #declared = new Map<string, Set<Thing>>();
  /** Names of which both have been confirmed to be deleted. */
  readonly #deleted = new Set<string>();
  #nextNumber = 1;

  /** Declares durable things, and deletes some of them again, until the connection is lost. */
  declarer(random: SeededRandom): Role {
    return async (url) => {
      const connection = await connect(url);
      connection.on("error", () => undefined);
      const channel = await connection.createChannel();
      for (;;) {
        const name = `topology.${this.#nextNumber++}`;
        await this.#declare(channel, name);
        const mustGo = this.#declared.size > KEPT_MAX || random.chance(DELETE_PROBABILITY);
        if (mustGo) await this.#delete(channel, random.pick([...this.#declared.keys()]));
      }
    };
  }

  /** Checks the promises after a restart and removes what was declared. */
  async audit(connection: ChannelModel): Promise<void> {
    const channel = await connection.createConfirmChannel();
    for (const [name, things] of this.#declared) {
      if (things.has("exchange")) await channel.checkExchange(name);
      if (things.has("queue")) await channel.checkQueue(name);
      if (things.has("binding")) await assertRouted(channel, name);
      await channel.deleteQueue(name);
      await channel.deleteExchange(name);
    }
    await channel.close();
    for (const name of this.#deleted) {
      await assertMissing(connection, (fresh) => fresh.checkQueue(name));
      await assertMissing(connection, (fresh) => fresh.checkExchange(name));
    }
    this.#declared.clear();
    this.#deleted.clear();
  }

  async #declare(channel: Channel, name: string): Promise<void> {
    const confirmed = new Set<Thing>();
    this.#declared.set(name, confirmed);
    await channel.assertExchange(name, "topic", { durable: true });
    confirmed.add("exchange");
    await channel.assertQueue(name, { durable: true });
    confirmed.add("queue");
    await channel.bindQueue(name, name, "#");
    confirmed.add("binding");
  }

  async #delete(channel: Channel, name: string): Promise<void> {
    this.#declared.set(name, new Set());
    await channel.deleteQueue(name);
    await channel.deleteExchange(name);
    this.#declared.delete(name);
    this.#deleted.add(name);
  }
}

async function assertRouted(channel: ConfirmChannel, exchange: string): Promise<void> {
  const refuse = (): void => assert.fail(`the binding of ${exchange} is lost`);
  channel.once("return", refuse);
  channel.publish(exchange, "any", Buffer.from("probe"), { mandatory: true });
  await channel.waitForConfirms();
  channel.removeListener("return", refuse);
}

async function assertMissing(connection: ChannelModel, check: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await connection.createChannel();
  channel.on("error", () => undefined);
  await assert.rejects(check(channel), /NOT_FOUND/);
}
