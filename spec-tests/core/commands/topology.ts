import assert from "node:assert/strict";
import { Permissions } from "../../../src/core/auth/permissions.ts";
import type { User } from "../../../src/core/auth/user.ts";
import { bindExchange } from "../../../src/core/commands/bind-exchange.ts";
import { bindQueue } from "../../../src/core/commands/bind-queue.ts";
import {
  type CommandContext,
  DEFAULT_TOPOLOGY_LIMITS,
  type TopologyLimits,
} from "../../../src/core/commands/context.ts";
import { type DeclareExchange, declareExchange } from "../../../src/core/commands/declare-exchange.ts";
import { type DeclaredQueue, type DeclareQueue, declareQueue } from "../../../src/core/commands/declare-queue.ts";
import { BrokerError } from "../../../src/core/errors.ts";
import type { Destination } from "../../../src/core/exchange/exchange.ts";
import { NO_POLICY } from "../../../src/core/policy-values.ts";
import type { DefinitionKind } from "../../../src/core/ports.ts";
import type { Queue, QueueOptions } from "../../../src/core/queue/queue.ts";
import { Vhost } from "../../../src/core/vhost.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import type { Random } from "../../../src/lib/random.ts";
import { EMPTY_TABLE, type FieldTable } from "../../../src/wire/field-table.ts";
import { MemoryDefinitions } from "../auth/memory-definitions.ts";
import { deduplicationEnvironment } from "../deduplication/fixtures.ts";
import { FakeDelayLine } from "../exchange/fake-delay-line.ts";
import { memoryHistory } from "../exchange/memory-history.ts";

/** The parts of a queue that commands and virtual hosts use, with counts a test can set. */
export class FakeQueue implements Destination {
  readonly type = "classic";
  readonly id: number;
  readonly name: string;
  readonly vhostName: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusiveOwner: object | undefined;
  readonly arguments: FieldTable;
  onUnused: (() => void) | undefined;
  readyCount = 0;
  consumerCount = 0;
  dropped = false;

  constructor(options: Omit<QueueOptions, "type" | "settings" | "deadLetters">) {
    this.id = options.id;
    this.name = options.name;
    this.vhostName = options.vhostName;
    this.durable = options.durable;
    this.autoDelete = options.autoDelete;
    this.exclusiveOwner = options.exclusiveOwner;
    this.arguments = options.arguments;
  }

  touch(): void {}

  push(): void {
    assert.fail("a command publishes nothing");
  }

  refuses(): boolean {
    return false;
  }

  purge(): number {
    const count = this.readyCount;
    this.readyCount = 0;
    return count;
  }

  drop(): number {
    assert(!this.dropped, "a queue is dropped once");
    this.dropped = true;
    return this.purge();
  }
}

/** A connection to a virtual host of its own, with everything a command needs, all of it in memory. */
export class Topology {
  readonly definitions = new MemoryDefinitions();
  readonly permissions = new Permissions(new MemoryDefinitions());
  readonly vhost: Vhost;
  readonly context: CommandContext;

  constructor(limits: Partial<TopologyLimits> = {}) {
    this.vhost = vhostOver(this.definitions);
    this.context = {
      actor: { user: userNamed("alice"), vhost: this.vhost, connection: { connection: 1 } },
      permissions: this.permissions,
      random: countingRandom(),
      limits: { ...DEFAULT_TOPOLOGY_LIMITS, ...limits },
    };
    this.permit("alice", { configure: ".*", write: ".*", read: ".*" });
  }

  permit(user: string, access: { configure?: string; write?: string; read?: string }): void {
    this.permissions.set({ vhost: this.vhost.name, user, configure: "", write: "", read: "", ...access });
  }

  /** The same user on another connection. */
  otherConnection(): CommandContext {
    return { ...this.context, actor: { ...this.context.actor, connection: { connection: 2 } } };
  }

  /** Another user, on a connection of its own, who may do just this. */
  restrictedTo(access: { configure?: string; write?: string; read?: string }): CommandContext {
    this.permit("bob", access);
    return { ...this.context, actor: { user: userNamed("bob"), vhost: this.vhost, connection: {} } };
  }

  exchange(name: string, spec: Partial<DeclareExchange> = {}): void {
    declareExchange(this.context, exchangeSpec(name, spec));
  }

  queue(name: string, spec: Partial<DeclareQueue> = {}): DeclaredQueue {
    return declareQueue(this.context, queueSpec(name, spec));
  }

  bind(exchange: string, queue: string, routingKey = "", table: FieldTable = EMPTY_TABLE): void {
    bindQueue(this.context, { exchange, queue, routingKey, arguments: table });
  }

  bindExchanges(source: string, destination: string, routingKey = ""): void {
    bindExchange(this.context, { source, destination, routingKey, arguments: EMPTY_TABLE });
  }

  fakeQueue(name: string): FakeQueue {
    return this.vhost.requireQueue(name) as unknown as FakeQueue;
  }

  hasQueue(name: string): boolean {
    return this.vhost.findQueue(name) !== undefined;
  }

  hasExchange(name: string): boolean {
    return this.vhost.findExchange(name) !== undefined;
  }

  /** Every binding as text, in order. */
  bindings(): string[] {
    return bindingTexts(this.vhost);
  }

  stored(kind: DefinitionKind): unknown[] {
    return this.definitions.stored.filter((each) => each.kind === kind).map((each) => each.value);
  }

  /** What a restart makes of the stored definitions. */
  restored(): Vhost {
    const vhost = vhostOver(new MemoryDefinitions());
    const of = (kind: DefinitionKind) => this.definitions.stored.filter((each) => each.kind === kind);
    for (const { id, value } of of("exchange")) vhost.restoreExchange(id, value);
    for (const { id, value } of of("queue")) vhost.restoreQueue(id, value);
    for (const { id, value } of of("binding")) vhost.restoreBinding(id, value);
    return vhost;
  }
}

export function vhostOver(definitions: MemoryDefinitions): Vhost {
  let lastQueueId = 0;
  return new Vhost({
    name: "/",
    createQueue: (options) => new FakeQueue(options) as unknown as Queue,
    createDelayLine: (options) => new FakeDelayLine(options),
    createMessageHistory: (options) => memoryHistory(options),
    allocateQueueId: () => ++lastQueueId,
    releaseQueueId: () => {},
    deduplication: deduplicationEnvironment(),
    definitions,
    random: countingRandom(),
    clock: new ManualClock(),
    policies: { policyFor: () => NO_POLICY, defer: setImmediate },
  });
}

export function bindingTexts(vhost: Vhost): string[] {
  return Array.from(vhost.bindings(), (each) => `${each.source.name} -${each.routingKey}-> ${each.target.name}`).sort();
}

export function exchangeSpec(name: string, spec: Partial<DeclareExchange> = {}): DeclareExchange {
  const defaults = { passive: false, durable: false, autoDelete: false, internal: false, arguments: EMPTY_TABLE };
  return { name, type: "direct", ...defaults, ...spec };
}

export function queueSpec(name: string, spec: Partial<DeclareQueue> = {}): DeclareQueue {
  const defaults = { passive: false, durable: false, exclusive: false, autoDelete: false, arguments: EMPTY_TABLE };
  return { name, ...defaults, ...spec };
}

/** Asserts that `command` is refused with this reply and exactly this text. */
export function refused(command: () => unknown, replyName: string, text: string): void {
  assert.throws(command, (error: unknown) => {
    assert(error instanceof BrokerError, String(error));
    assert.deepEqual([error.replyName, error.message], [replyName, text]);
    return true;
  });
}

function userNamed(name: string): User {
  return { name, passwordHash: "", hashingAlgorithm: "rabbit_password_hashing_sha256", tags: [] };
}

/** Octets that differ from call to call and are the same in every run. */
function countingRandom(): Random {
  let calls = 0;
  return { fill: (target) => target.fill(++calls) };
}
