import { Broker } from "../../src/core/broker.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import type { Vhost } from "../../src/core/vhost.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { systemRandom } from "../../src/lib/random.ts";
import { SystemClock } from "../../src/lib/system-clock.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { EMPTY_TABLE } from "../../src/wire/field-table.ts";

const VHOST = "/";
const QUEUE = "q";
const USER = "guest";
const KINDS = ["policy", "operator-policy"] as const;

/** Opens the broker whose data is in the directory, without a port. */
export function openBroker(directory: string): Broker {
  const broker = new Broker({
    store: openLmdbStore({ directory, logger: silentLogger }),
    clock: new SystemClock(),
    random: systemRandom,
    logger: silentLogger,
    limits: DEFAULT_LIMITS,
    identity: { product: "Leveret", version: "0.0.0" },
  });
  broker.open();
  const vhost = vhostOf(broker);
  if (vhost.findQueue(QUEUE) === undefined) {
    vhost.addQueue({
      name: QUEUE,
      durable: true,
      autoDelete: false,
      exclusiveOwner: undefined,
      arguments: EMPTY_TABLE,
    });
  }
  return broker;
}

/** Sets one thing of every kind to `number`; some are removed first. */
export function numberDefinitions(broker: Broker, number: number): void {
  const isOdd = number % 2 === 1;
  for (const kind of KINDS) {
    if (isOdd) broker.policies.delete(kind, VHOST, "p");
    const definition = kind === "policy" ? { "max-length": number } : { "max-length-bytes": number };
    broker.policies.set(kind, VHOST, "p", { pattern: "^q$", applyTo: "queues", priority: number, definition });
  }
  if (isOdd) broker.usage.vhosts.clear(VHOST);
  broker.usage.vhosts.update(VHOST, { "max-queues": number });
  broker.usage.users.update(USER, { "max-channels": number });
  if (isOdd) broker.users.delete("numbered");
  broker.users.put("numbered", { password: "any" }, [`${number}`]);
  broker.permissions.set({ vhost: VHOST, user: USER, configure: `${number}`, write: ".*", read: ".*" });
}

/** The number of every thing, and those that the queue acts by. */
export function readDefinitions(broker: Broker): (number | undefined)[] {
  const settings = vhostOf(broker).findQueue(QUEUE)?.settings;
  const numbers = [
    ...KINDS.map((kind) => broker.policies.get(kind, VHOST, "p")?.priority),
    settings?.lengthMax,
    settings?.lengthBytesMax,
    broker.usage.vhosts.limit(VHOST, "max-queues"),
    broker.usage.users.limit(USER, "max-channels"),
    broker.users.get("numbered")?.tags[0],
    broker.permissions.get(VHOST, USER)?.configure,
  ];
  return numbers.map((number) => (number === undefined || number === ".*" ? undefined : Number(number)));
}

function vhostOf(broker: Broker): Vhost {
  return broker.findVhost(VHOST) as Vhost;
}
