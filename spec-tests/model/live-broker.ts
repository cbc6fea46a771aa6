import { Broker } from "../../src/core/broker.ts";
import { bindExchange } from "../../src/core/commands/bind-exchange.ts";
import { bindQueue } from "../../src/core/commands/bind-queue.ts";
import type { CommandContext } from "../../src/core/commands/context.ts";
import { declareExchange } from "../../src/core/commands/declare-exchange.ts";
import { declareQueue } from "../../src/core/commands/declare-queue.ts";
import { deleteExchange } from "../../src/core/commands/delete-exchange.ts";
import { deleteQueue } from "../../src/core/commands/delete-queue.ts";
import { purgeQueue } from "../../src/core/commands/purge-queue.ts";
import { unbindExchange } from "../../src/core/commands/unbind-exchange.ts";
import { unbindQueue } from "../../src/core/commands/unbind-queue.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import type { Store } from "../../src/core/ports.ts";
import type { Vhost } from "../../src/core/vhost.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { systemRandom } from "../../src/lib/random.ts";
import { tableFrom } from "../../src/wire/field-table.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { ManualTurns } from "../support/manual-turns.ts";
import { type LiveEvent, LiveSession } from "./live-session.ts";
import type { ModelMessage } from "./model-message.ts";
import type { ModelBinding } from "./model-topology.ts";
import type { Operation, SessionMode } from "./operation.ts";

/** Longer than any run lasts. */
const NO_TIMEOUT_MILLISECONDS = 1e11;
/** So little that messages are left to the store. */
const QUEUE_MEMORY_BYTES_MAX = 4096;

/** Opens the store of the run, with what an earlier one has written. */
export type OpenStore = () => Store;

type Declare<Name extends Operation["do"]> = Extract<Operation, { do: Name }>;

/** The broker under test: in this process, without sockets, its turns ended when the test says so. */
export class LiveBroker {
  readonly broker: Broker;
  readonly store: FaultyStore;
  readonly events: LiveEvent[] = [];
  readonly sessions: LiveSession[] = [];
  readonly clock: ManualClock;
  readonly #context: CommandContext;
  readonly #turns = new ManualTurns();

  constructor(openStore: OpenStore, now: number) {
    this.clock = new ManualClock(now);
    this.store = new FaultyStore(openStore());
    this.broker = new Broker({
      store: this.store,
      clock: this.clock,
      random: systemRandom,
      logger: silentLogger,
      limits: {
        ...DEFAULT_LIMITS,
        queueMemoryBytesMax: QUEUE_MEMORY_BYTES_MAX,
        consumerTimeoutMilliseconds: NO_TIMEOUT_MILLISECONDS,
      },
      identity: { product: "Leveret", version: "0.0.0" },
      defer: this.#turns.defer,
    });
    this.broker.open();
    this.#context = this.broker.commandContext(this.#identity({}));
  }

  get vhost(): Vhost {
    return this.broker.findVhost("/") as Vhost;
  }

  openSession(number: number, mode: SessionMode): void {
    const live = new LiveSession(number, this.events, (output) =>
      this.broker.openSession(this.#identity(output), output),
    );
    if (mode === "confirms") live.session.selectConfirms();
    if (mode === "transactions") live.session.selectTransactions();
    this.sessions[number] = live;
  }

  declareQueue({ queue, durable, autoDelete, arguments: table }: Declare<"declareQueue">): void {
    const flags = { passive: false, durable, exclusive: false, autoDelete };
    declareQueue(this.#context, { name: queue, ...flags, arguments: tableFrom(table) });
  }

  deleteQueue(name: string): number {
    return deleteQueue(this.#context, { name, ifUnused: false, ifEmpty: false });
  }

  purge(name: string): number {
    return purgeQueue(this.#context, name);
  }

  declareExchange({ exchange, type, durable, autoDelete, arguments: table }: Declare<"declareExchange">): void {
    const flags = { passive: false, durable, internal: false, autoDelete };
    declareExchange(this.#context, { name: exchange, type, ...flags, arguments: tableFrom(table) });
  }

  deleteExchange(name: string): void {
    deleteExchange(this.#context, { name, ifUnused: false });
  }

  bind(action: "bind" | "unbind", binding: ModelBinding, toExchange: boolean): void {
    const { source, target, routingKey, arguments: table } = binding;
    const common = { routingKey, arguments: tableFrom(table) };
    if (toExchange) {
      const change = action === "bind" ? bindExchange : unbindExchange;
      change(this.#context, { source, destination: target, ...common });
    } else {
      const change = action === "bind" ? bindQueue : unbindQueue;
      change(this.#context, { exchange: source, queue: target, ...common });
    }
  }

  setPolicy({ name, operator, pattern, applyTo, priority, definition }: Declare<"setPolicy">): void {
    const kind = operator ? "operator-policy" : "policy";
    this.broker.policies.set(kind, "/", name, { pattern, applyTo, priority, definition });
  }

  clearPolicy({ name, operator }: Declare<"clearPolicy">): void {
    this.broker.policies.delete(operator ? "operator-policy" : "policy", "/", name);
  }

  /** The names of `queues` in the order in which a message published to an exchange is given to them. */
  order(exchange: string, keys: readonly string[], { headers }: ModelMessage, queues: readonly string[]): string[] {
    const found = this.vhost.findExchange(exchange);
    if (found === undefined) return [...queues];
    const table = headers === undefined ? undefined : tableFrom(headers);
    const { destinations } = this.vhost.route(found, { routingKeys: keys, headers: () => table, message: undefined });
    const names = destinations.map(({ name }) => name);
    return [...queues].sort((a, b) => names.indexOf(a) - names.indexOf(b));
  }

  /** The names of all queues in the order in which policies reach them. */
  queueNames(): string[] {
    return Array.from(this.vhost.queues, ({ name }) => name);
  }

  queueIds(): Map<string, number> {
    return new Map(Array.from(this.vhost.queues, ({ name, id }) => [name, id]));
  }

  /** Ends turns, and lets commits come to an end, until nothing is left to do. */
  settle(): Promise<void> {
    return this.#turns.settle(this.broker.barrier, this.store);
  }

  /** Ends it in an orderly way; everything is written. */
  async close(): Promise<void> {
    let isClosed = false;
    const closed = this.broker.close().finally(() => (isClosed = true));
    while (!isClosed) {
      this.#turns.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
  }

  /** Ends it as a crash does: what has not been committed is lost. It is not used any more, and its clock stands still. */
  async crash(): Promise<void> {
    await this.store.close();
  }

  #identity(connection: object): Parameters<Broker["openSession"]>[0] {
    const user = this.broker.users.get("guest");
    if (user === undefined) throw new Error("every new broker has the user guest");
    return { user, vhost: this.vhost, connection };
  }
}
