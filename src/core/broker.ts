import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";
import type { Random } from "../lib/random.ts";
import { EMPTY_TABLE, type TableLimits } from "../wire/field-table.ts";
import { PENDING_QUEUE_ARGUMENTS } from "./arguments/queue-arguments.ts";
import { Permissions } from "./auth/permissions.ts";
import { defaultMechanisms, type SaslMechanism } from "./auth/sasl.ts";
import type { User } from "./auth/user.ts";
import { UserDirectory } from "./auth/user-directory.ts";
import { type CommandContext, DEFAULT_TOPOLOGY_LIMITS } from "./commands/context.ts";
import { CommitBarrier } from "./commit-barrier.ts";
import { Definitions } from "./definitions.ts";
import { BrokerError } from "./errors.ts";
import { FlowControl } from "./flow-control.ts";
import { type BrokerLimits, tableLimits } from "./limits.ts";
import type { Store } from "./ports.ts";
import { ArenaPool } from "./queue/arena.ts";
import { MemoryBudget } from "./queue/memory-budget.ts";
import { Queue, type QueueEnvironment, type QueueOptions } from "./queue/queue.ts";
import { recover } from "./recovery.ts";
import type { SessionOutput } from "./session/contract.ts";
import { ReplyDirectory } from "./session/direct-reply.ts";
import { Session } from "./session/session.ts";
import { Turn } from "./turn.ts";
import { Vhost } from "./vhost.ts";

/** What the broker calls itself in server-properties. */
export interface BrokerIdentity {
  readonly product: string;
  /** A dotted triple: clients compare it. */
  readonly version: string;
}

export interface BrokerEnvironment {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly identity: BrokerIdentity;
  /** Runs a callback after the input at hand has been read. Default: setImmediate. */
  readonly defer?: (callback: () => void) => void;
}

/** The virtual host every broker starts with. */
const DEFAULT_VHOST = "/";

/** The user every broker starts with; from this machine only. */
const DEFAULT_USER = "guest";

/** The tag that lets a user put another name in a message's user-id. */
const IMPERSONATOR_TAG = "impersonator";

const QUEUE_ID_MAX = 0xffff_ffff;

/** Who a connection's sessions act for, and where. */
export interface ConnectionIdentity {
  readonly user: User;
  readonly vhost: Vhost;
  /** What exclusive queues belong to; only its identity matters. */
  readonly connection: object;
}

/** The whole broker but its protocols: one shard, with one store and one commit at a time. */
export class Broker {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly tableLimits: TableLimits;
  readonly identity: BrokerIdentity;
  readonly users: UserDirectory;
  readonly permissions: Permissions;
  readonly mechanisms: readonly SaslMechanism[];
  readonly turn: Turn;
  readonly barrier: CommitBarrier;
  readonly flow: FlowControl;
  /** Open connections of every protocol. */
  connectionCount = 0;
  readonly #store: Store;
  readonly #definitions: Definitions;
  readonly #vhosts = new Map<string, Vhost>();
  readonly #queueEnvironment: QueueEnvironment;
  readonly #replies = new ReplyDirectory();
  readonly #queueIds = new Set<number>();
  #lastQueueId = 0;

  constructor(environment: BrokerEnvironment) {
    const { store, clock, random, logger, limits, identity } = environment;
    this.clock = clock;
    this.random = random;
    this.logger = logger;
    this.limits = limits;
    this.tableLimits = tableLimits(limits);
    this.identity = identity;
    this.#store = store;
    this.turn = new Turn(environment.defer ?? setImmediate);
    this.barrier = new CommitBarrier(store, clock, logger, this.turn.wake);
    this.flow = new FlowControl(this.barrier, limits.unwrittenBytesMax);
    this.turn.attach(this.barrier, this.flow);
    this.#definitions = new Definitions(store, () => this.barrier.definitionChanged());
    this.users = new UserDirectory({ definitions: this.#definitions, random });
    this.permissions = new Permissions(this.#definitions);
    this.mechanisms = defaultMechanisms({ user: DEFAULT_USER, password: DEFAULT_USER });
    this.#queueEnvironment = {
      store,
      barrier: this.barrier,
      turn: this.turn,
      clock,
      arenas: new ArenaPool(),
      memory: new MemoryBudget(limits.queueMemoryBytesMax),
    };
  }

  /** Recovers what the store holds; on first start creates the virtual host `/` and the user guest. */
  open(): void {
    recover(this.#store, {
      users: this.users,
      permissions: this.permissions,
      addVhost: (name) => this.#openVhost(name),
      vhost: (name) => this.#vhosts.get(name),
      queueRecovered: (queue) => {
        this.#queueIds.add(queue.id);
        this.#lastQueueId = Math.max(this.#lastQueueId, queue.id);
      },
    });
    if (this.#vhosts.size > 0) return;
    this.createVhost(DEFAULT_VHOST);
    this.users.add(DEFAULT_USER, { password: DEFAULT_USER }, ["administrator"]);
    this.permissions.set({ vhost: DEFAULT_VHOST, user: DEFAULT_USER, configure: ".*", write: ".*", read: ".*" });
  }

  /** Waits until all is durable, then closes the store. Connections are closed by who serves them, before. */
  async close(): Promise<void> {
    for (const vhost of this.#vhosts.values()) for (const queue of vhost.queues) queue.stop();
    await this.barrier.idle();
    this.barrier.close();
    await this.#store.close();
  }

  get vhosts(): Iterable<Vhost> {
    return this.#vhosts.values();
  }

  findVhost(name: string): Vhost | undefined {
    return this.#vhosts.get(name);
  }

  /** @throws BrokerError PRECONDITION_FAILED when there is one of that name */
  createVhost(name: string): Vhost {
    if (this.#vhosts.has(name)) throw new BrokerError("PRECONDITION_FAILED", `vhost '${name}' already exists`);
    this.#definitions.put("vhost", name, { name });
    return this.#openVhost(name);
  }

  /** What commands of a connection work with. */
  commandContext(identity: ConnectionIdentity): CommandContext {
    return {
      actor: identity,
      permissions: this.permissions,
      random: this.random,
      limits: DEFAULT_TOPOLOGY_LIMITS,
    };
  }

  openSession(identity: ConnectionIdentity, output: SessionOutput): Session {
    return new Session(
      {
        vhost: identity.vhost,
        userName: identity.user.name,
        mayImpersonate: identity.user.tags.includes(IMPERSONATOR_TAG),
        connection: identity.connection,
        permissions: this.permissions,
        replies: this.#replies,
        createReplyQueue: (name) => this.#createReplyQueue(name, identity),
        turn: this.turn,
        barrier: this.barrier,
        clock: this.clock,
        random: this.random,
        transactionBytesMax: this.limits.transactionBytesMax,
        tableLimits: this.tableLimits,
      },
      output,
    );
  }

  #openVhost(name: string): Vhost {
    const vhost = new Vhost({
      name,
      definitions: this.#definitions,
      random: this.random,
      clock: this.clock,
      allocateQueueId: () => this.#allocateQueueId(),
      createQueue: (options) => this.#createQueue(options),
    });
    vhost.replies = this.#replies;
    this.#vhosts.set(name, vhost);
    return vhost;
  }

  #createReplyQueue(name: string, { vhost, connection }: ConnectionIdentity): Queue {
    return this.#createQueue({
      id: this.#allocateQueueId(),
      name,
      vhostName: vhost.name,
      durable: false,
      autoDelete: false,
      exclusiveOwner: connection,
      arguments: EMPTY_TABLE,
    });
  }

  #createQueue(options: QueueOptions): Queue {
    const pending = PENDING_QUEUE_ARGUMENTS.filter((name) => options.arguments.has(name));
    if (pending.length > 0) {
      this.logger.warn("queue has arguments that have no effect yet", { queue: options.name, arguments: pending });
    }
    const queue = new Queue(options, this.#queueEnvironment);
    queue.onDropped = () => this.#queueIds.delete(options.id);
    return queue;
  }

  #allocateQueueId(): number {
    do this.#lastQueueId = this.#lastQueueId === QUEUE_ID_MAX ? 1 : this.#lastQueueId + 1;
    while (this.#queueIds.has(this.#lastQueueId));
    this.#queueIds.add(this.#lastQueueId);
    return this.#lastQueueId;
  }
}
