import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";
import type { Random } from "../lib/random.ts";
import { EMPTY_TABLE, type TableLimits } from "../wire/field-table.ts";
import { Alarms } from "./alarms.ts";
import { Permissions } from "./auth/permissions.ts";
import { defaultMechanisms, type SaslMechanism } from "./auth/sasl.ts";
import type { User } from "./auth/user.ts";
import { UserDirectory } from "./auth/user-directory.ts";
import type { AdministrationContext } from "./commands/administration.ts";
import { type CommandContext, DEFAULT_TOPOLOGY_LIMITS } from "./commands/context.ts";
import { CommitBarrier } from "./commit-barrier.ts";
import { Definitions } from "./definitions.ts";
import type { DelayLine, DelayLineOptions } from "./delay-line.ts";
import { BrokerError } from "./errors.ts";
import { FlowControl } from "./flow-control.ts";
import { type BrokerLimits, tableLimits } from "./limits.ts";
import { Lingering } from "./lingering.ts";
import type { MessageHistory, MessageHistoryOptions } from "./message-history.ts";
import { PolicyDirectory } from "./policy/policy-directory.ts";
import { NO_POLICY } from "./policy-values.ts";
import type { Store } from "./ports.ts";
import type { PublishTap } from "./publish-tap.ts";
import { ArenaPool } from "./queue/arena.ts";
import { DelayedLog } from "./queue/delay/delayed-log.ts";
import { HistoryLog } from "./queue/history-log.ts";
import { MemoryBudget } from "./queue/memory-budget.ts";
import { MessageQueue } from "./queue/message-queue.ts";
import type { Queue, QueueOptions } from "./queue/queue.ts";
import type { QueueEnvironment } from "./queue/queue-environment.ts";
import { queueSettings } from "./queue/queue-settings.ts";
import { StreamQueue } from "./queue/stream/stream-queue.ts";
import { recover } from "./recovery.ts";
import type { SessionOutput } from "./session/contract.ts";
import { ReplyDirectory } from "./session/direct-reply.ts";
import { Session } from "./session/session.ts";
import { Turn } from "./turn.ts";
import { UsageLimits } from "./usage-limits.ts";
import { Vhost } from "./vhost.ts";
import { NO_METADATA, type VhostMetadata, vhostDefinition } from "./vhost-metadata.ts";

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
  /** Sees every publish of a client before its destinations do. Default: nobody does. */
  readonly publishTap?: PublishTap;
}

/** The virtual host every broker starts with. */
const DEFAULT_VHOST = "/";

/** The user every broker starts with, and its password; from this machine only. */
export const DEFAULT_USER = "guest";

/** The tag that lets a user put another name in a message's user-id. */
const IMPERSONATOR_TAG = "impersonator";

/** The cause of the alarm that is raised while the store cannot write. */
const STORE_FAILS = "store";

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
  readonly policies: PolicyDirectory;
  readonly usage: UsageLimits;
  readonly mechanisms: readonly SaslMechanism[];
  readonly turn: Turn;
  readonly barrier: CommitBarrier;
  readonly alarms: Alarms;
  readonly flow: FlowControl;
  /** Open connections of every protocol. */
  connectionCount = 0;
  /** What messages are kept in. */
  readonly arenas = new ArenaPool();
  readonly #store: Store;
  readonly #publishTap: PublishTap | undefined;
  readonly #defer: (callback: () => void) => void;
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
    this.#publishTap = environment.publishTap;
    this.#defer = environment.defer ?? setImmediate;
    this.turn = new Turn(this.#defer, clock, environment.defer === undefined ? new Lingering() : undefined);
    this.barrier = new CommitBarrier(store, clock, logger, this.turn.wake);
    this.alarms = new Alarms(logger);
    this.alarms.listen(this.turn.wake);
    this.barrier.observer = {
      storeFailed: () => this.alarms.raise("disk", STORE_FAILS),
      storeRecovered: () => this.alarms.clear("disk", STORE_FAILS),
    };
    this.flow = new FlowControl(this.barrier, limits.unwrittenBytesMax, this.alarms);
    this.turn.attach(this.barrier, this.flow);
    this.#definitions = new Definitions(store, () => this.barrier.definitionChanged());
    this.users = new UserDirectory({ definitions: this.#definitions, random });
    this.permissions = new Permissions(this.#definitions);
    this.policies = new PolicyDirectory(this.#definitions);
    this.policies.onChange = (vhost) => this.#vhosts.get(vhost)?.policies.changed();
    this.usage = new UsageLimits(this.#definitions);
    this.mechanisms = defaultMechanisms({ user: DEFAULT_USER, password: DEFAULT_USER });
    this.#queueEnvironment = {
      store,
      barrier: this.barrier,
      turn: this.turn,
      clock,
      arenas: this.arenas,
      memory: new MemoryBudget(limits.queueMemoryBytesMax),
      consumerTimeoutMilliseconds: limits.consumerTimeoutMilliseconds,
    };
  }

  /**
   * Recovers what the store holds.
   *
   * @param seeded whether to create the virtual host `/` and the user guest when there is no virtual host
   */
  open(seeded = true): void {
    recover(this.#store, {
      users: this.users,
      permissions: this.permissions,
      policies: this.policies,
      usage: this.usage,
      addVhost: (name, metadata) => this.#openVhost(name, metadata),
      vhost: (name) => this.#vhosts.get(name),
      idTaken: (id) => {
        this.#queueIds.add(id);
        this.#lastQueueId = Math.max(this.#lastQueueId, id);
      },
    });
    if (this.#vhosts.size > 0 || !seeded) return;
    this.createVhost(DEFAULT_VHOST);
    this.users.add(DEFAULT_USER, { password: DEFAULT_USER }, ["administrator"]);
    this.permissions.set({ vhost: DEFAULT_VHOST, user: DEFAULT_USER, configure: ".*", write: ".*", read: ".*" });
  }

  /** Waits until all is durable, then closes the store. Connections are closed by who serves them, before. */
  async close(): Promise<void> {
    for (const vhost of this.#vhosts.values()) {
      vhost.policies.stop();
      for (const queue of vhost.queues) queue.stop();
      for (const exchange of vhost.exchanges) exchange.stored?.stop();
    }
    await this.barrier.idle();
    this.barrier.close();
    await this.#store.close();
  }

  /** Octets of messages that all queues together keep in memory. */
  get queueMemoryBytes(): number {
    return this.#queueEnvironment.memory.usedBytes;
  }

  get vhosts(): Iterable<Vhost> {
    return this.#vhosts.values();
  }

  findVhost(name: string): Vhost | undefined {
    return this.#vhosts.get(name);
  }

  /** @throws BrokerError PRECONDITION_FAILED when there is one of that name */
  createVhost(name: string, metadata: VhostMetadata = NO_METADATA): Vhost {
    if (this.#vhosts.has(name)) throw new BrokerError("PRECONDITION_FAILED", `vhost '${name}' already exists`);
    this.#definitions.put("vhost", name, vhostDefinition(name, metadata));
    return this.#openVhost(name, metadata);
  }

  /** Replaces what is known of a virtual host beside its name. */
  updateVhost(vhost: Vhost, metadata: VhostMetadata): void {
    vhost.metadata = metadata;
    this.#definitions.put("vhost", vhost.name, vhostDefinition(vhost.name, metadata));
  }

  /** Removes a virtual host with all that is in it or set for it. Its connections are closed by who serves them, before. */
  deleteVhost(vhost: Vhost): void {
    vhost.deleteAll();
    this.#vhosts.delete(vhost.name);
    this.#definitions.delete("vhost", vhost.name);
    this.permissions.clearVhost(vhost.name);
    this.policies.clearVhost(vhost.name);
    this.usage.vhosts.clear(vhost.name);
  }

  /** What commands work with that administer the broker on behalf of `user`. */
  administrationContext(user: User): AdministrationContext {
    const { users, permissions, policies, usage } = this;
    return { user, users, permissions, policies, usage, findVhost: (name) => this.#vhosts.get(name) };
  }

  /** What commands of a connection work with. */
  commandContext(identity: ConnectionIdentity): CommandContext {
    return {
      actor: identity,
      permissions: this.permissions,
      random: this.random,
      limits: { ...DEFAULT_TOPOLOGY_LIMITS, queuesMax: this.usage.queuesMax(identity.vhost.name) },
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
        publishTap: this.#publishTap,
      },
      output,
    );
  }

  #openVhost(name: string, metadata: VhostMetadata): Vhost {
    const vhost = new Vhost({
      name,
      metadata,
      policies: { policyFor: (object) => this.policies.effective(name, object), defer: this.#defer },
      definitions: this.#definitions,
      random: this.random,
      clock: this.clock,
      allocateQueueId: () => this.#allocateQueueId(),
      releaseQueueId: (id) => this.#queueIds.delete(id),
      deduplication: this.#queueEnvironment,
      createQueue: (options) => this.#createQueue(options),
      createDelayLine: (options) => this.#createDelayLine(options),
      createMessageHistory: (options) => this.#createMessageHistory(options),
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
      type: "classic",
      durable: false,
      autoDelete: false,
      exclusiveOwner: connection,
      arguments: EMPTY_TABLE,
      settings: queueSettings("classic", EMPTY_TABLE, NO_POLICY),
      deadLetters: vhost.deadLetters,
    });
  }

  #createQueue(options: QueueOptions): Queue {
    const QueueOfType = options.type === "stream" ? StreamQueue : MessageQueue;
    const queue: Queue = new QueueOfType(options, this.#queueEnvironment);
    queue.onDropped = () => this.#queueIds.delete(options.id);
    return queue;
  }

  #createDelayLine(options: DelayLineOptions): DelayLine {
    const line = new DelayedLog(options, this.#queueEnvironment);
    line.onDropped = () => this.#queueIds.delete(options.id);
    return line;
  }

  #createMessageHistory(options: MessageHistoryOptions): MessageHistory {
    const history = new HistoryLog(options, this.#queueEnvironment);
    history.onDropped = () => this.#queueIds.delete(options.id);
    return history;
  }

  #allocateQueueId(): number {
    do this.#lastQueueId = this.#lastQueueId === QUEUE_ID_MAX ? 1 : this.#lastQueueId + 1;
    while (this.#queueIds.has(this.#lastQueueId));
    this.#queueIds.add(this.#lastQueueId);
    return this.#lastQueueId;
  }
}
