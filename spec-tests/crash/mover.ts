import { once } from "node:events";
import { connect } from "node:net";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { handshake } from "../support/handshake.ts";
import { RawClient } from "../support/raw-client.ts";
import { bodyOf, numberOf } from "./messages.ts";
import type { Role } from "./roles.ts";
import type { TransferLedger } from "./transfer-ledger.ts";

const BATCH_MAX = 8;
const ROLLBACK_PROBABILITY = 0.15;
const PERSISTENT = 2;

/**
 * Moves messages from the source to both targets in transactions, several at a time; some are rolled back first.
 * It speaks the protocol itself, since amqplib knows no transactions.
 */
export function mover(ledger: TransferLedger, random: SeededRandom): Role {
  return async (url) => {
    const client = await openChannel(new URL(url));
    await client.call(1, "tx.select");
    await client.call(1, "basic.qos", { prefetchCount: BATCH_MAX });
    await client.call(1, "basic.consume", { queue: ledger.source.queue });
    for (;;) {
      const numbers: number[] = [];
      let deliveryTag = 0;
      const batchSize = random.integer(1, BATCH_MAX);
      while (numbers.length < batchSize) {
        const { args, properties, body } = await client.expectContent(1, "basic.deliver");
        numbers.push(numberOf(properties.messageId, body));
        deliveryTag = args.deliveryTag;
      }
      const send = (): void => {
        ledger.begin(numbers);
        for (const number of numbers) {
          for (const { queue } of ledger.targets) {
            const properties = { deliveryMode: PERSISTENT, messageId: String(number) };
            client.publish(1, { routingKey: queue }, bodyOf(number), properties);
          }
        }
        client.send(1, "basic.ack", { deliveryTag, multiple: true });
      };
      if (random.chance(ROLLBACK_PROBABILITY)) {
        send();
        client.send(1, "tx.rollback");
        await client.find(1, "tx.rollback-ok");
        ledger.rolledBack();
      }
      send();
      client.send(1, "tx.commit");
      await client.find(1, "tx.commit-ok");
      ledger.committed();
    }
  };
}

async function openChannel({ hostname, port }: URL): Promise<RawClient> {
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const client = new RawClient(socket);
  await handshake(client);
  await client.call(1, "channel.open");
  return client;
}
