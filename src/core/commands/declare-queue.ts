import { randomName } from "../../lib/random.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import { withDefaultQueueType } from "../arguments/default-queue-type.ts";
import { checkEquivalentArguments, checkEquivalentProperty } from "../arguments/equivalence.ts";
import {
  checkQueueArguments,
  checkStreamSizes,
  comparedQueueArguments,
  deadLetterExchangeOf,
  queueTypeOf,
} from "../arguments/queue-arguments.ts";
import { BrokerError } from "../errors.ts";
import { checkExclusiveAccess, checkSameOwner } from "../exclusive-access.ts";
import {
  checkNotReserved,
  cleanName,
  notFound,
  REPLY_QUEUE_NAME,
  resourceText,
  SERVER_NAMED_QUEUE_PREFIX,
} from "../names.ts";
import type { Queue } from "../queue/queue.ts";
import type { NewQueue, Vhost } from "../vhost.ts";
import { type CommandContext, checkAccess, checkAnyAccess } from "./context.ts";

/** queue.declare (50.10). */
export interface DeclareQueue {
  /** "" asks for a name made up by the broker. */
  readonly name: string;
  /** Asks only whether the queue exists; nothing but the name is looked at. */
  readonly passive: boolean;
  readonly durable: boolean;
  /** The queue belongs to the actor's connection and goes with it; it is never stored, durable or not. */
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
}

/** queue.declare-ok. */
export interface DeclaredQueue {
  readonly name: string;
  /** Ready messages. */
  readonly messageCount: number;
  readonly consumerCount: number;
  /** False when the queue was there before. */
  readonly created: boolean;
}

/**
 * Creates a queue, or checks that the existing one is the same.
 * @throws BrokerError 403 for a reserved name or missing permissions; 404 passive; 405 for another connection's
 *   exclusive queue; 406 for a bad argument, a limit, or an existing queue that differs
 */
export function declareQueue(context: CommandContext, spec: DeclareQueue): DeclaredQueue {
  const { vhost } = context.actor;
  const name = cleanName("queue", spec.name);
  if (spec.name.startsWith(REPLY_QUEUE_NAME)) return declareReplyQueue(vhost, name);
  if (spec.passive) return declarePassively(context, name);
  const typed = { ...spec, arguments: withDefaultQueueType(spec.arguments, spec, vhost.metadata.defaultQueueType) };
  const existing = vhost.findQueue(name);
  if (existing !== undefined) return redeclare(context, existing, typed);
  return create(context, newQueueName(context, name, typed), typed);
}

/** What a queue is declared with beside its name. */
export type QueueProperties = Pick<DeclareQueue, "durable" | "exclusive" | "autoDelete" | "arguments">;

/**
 * @param resource the queue as error texts name it
 * @throws BrokerError 406 when `properties` are not those of the existing queue
 */
export function checkSameQueue(resource: string, queue: Queue, properties: QueueProperties): void {
  checkEquivalentProperty(resource, "durable", queue.durable, isDurable(properties));
  checkEquivalentProperty(resource, "auto_delete", queue.autoDelete, properties.autoDelete);
  checkEquivalentArguments(resource, comparedQueueArguments(queue.type), queue.arguments, properties.arguments);
}

/**
 * @param resource the queue as error texts name it
 * @throws BrokerError 406 for an argument that is refused, or properties that the type of the queue cannot have
 */
export function checkNewQueue(resource: string, properties: QueueProperties): void {
  checkQueueArguments(resource, properties.arguments);
  checkQueueProperties(resource, properties);
  checkStreamSizes(properties.arguments);
}

/** Pseudo queues of direct reply-to cannot be created; a live one has its requester as the only consumer. */
function declareReplyQueue(vhost: Vhost, name: string): DeclaredQueue {
  const live = name === REPLY_QUEUE_NAME || vhost.replies.isLive(name);
  if (!live) throw notFound("queue", name, vhost.name);
  return { name, messageCount: 0, consumerCount: 1, created: false };
}

function declarePassively(context: CommandContext, name: string): DeclaredQueue {
  const { vhost, connection } = context.actor;
  checkAnyAccess(context, "queue", name);
  const queue = vhost.requireQueue(name);
  checkExclusiveAccess(queue, connection);
  queue.touch();
  return describe(queue);
}

function redeclare(context: CommandContext, queue: Queue, spec: DeclareQueue): DeclaredQueue {
  const { vhost } = context.actor;
  checkAccess(context, "queue", queue.name, "configure");
  const resource = resourceText("queue", queue.name, vhost.name);
  checkSameOwner(queue, ownerOf(context, spec));
  checkSameQueue(resource, queue, spec);
  queue.touch();
  return describe(queue);
}

function create(context: CommandContext, name: string, spec: DeclareQueue): DeclaredQueue {
  const { vhost } = context.actor;
  checkAccess(context, "queue", name, "configure");
  const resource = resourceText("queue", name, vhost.name);
  const deadLetterExchange = deadLetterExchangeOf(resource, spec.arguments);
  if (deadLetterExchange !== undefined) {
    checkAccess(context, "queue", name, "read");
    checkAccess(context, "exchange", deadLetterExchange, "write");
  }
  checkNewQueue(resource, spec);
  const newQueue: NewQueue = {
    name,
    durable: isDurable(spec),
    autoDelete: spec.autoDelete,
    exclusiveOwner: ownerOf(context, spec),
    arguments: spec.arguments,
  };
  checkQueueLimits(context, newQueue);
  vhost.addQueue(newQueue);
  return { name, messageCount: 0, consumerCount: 0, created: true };
}

/** Quorum queues and streams are there to last. RabbitMQ: "Quorum Queues", feature comparison. */
function checkQueueProperties(resource: string, spec: QueueProperties): void {
  if (queueTypeOf(spec.arguments) === "classic") return;
  const properties = [
    { refused: spec.autoDelete, name: "auto-delete" },
    { refused: spec.exclusive, name: "exclusive-owner" },
    { refused: !spec.durable, name: "non-durable" },
  ];
  for (const { refused, name } of properties) {
    if (refused) throw new BrokerError("PRECONDITION_FAILED", `invalid property '${name}' for ${resource}`);
  }
}

function newQueueName(context: CommandContext, name: string, spec: DeclareQueue): string {
  const type = queueTypeOf(spec.arguments);
  if (name === "" && type !== "classic") {
    throw new BrokerError("PRECONDITION_FAILED", `Cannot declare a server-named queue for type rabbit_${type}_queue`);
  }
  if (name === "") return randomName(SERVER_NAMED_QUEUE_PREFIX, context.random);
  checkNotReserved("queue", name);
  return name;
}

/** @throws BrokerError 406 when the virtual host has no room for `count` queues such as this one, or for none */
export function checkQueueLimits(context: CommandContext, newQueue: NewQueue, count = 1): void {
  const { actor, limits } = context;
  const isTransient = !newQueue.durable && newQueue.exclusiveOwner === undefined;
  if (isTransient && !limits.transientQueuesPermitted) {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      "Feature `transient_nonexcl_queues` is deprecated.\nBy default, this feature is not permitted anymore.",
    );
  }
  if (actor.vhost.queueCount + count > limits.queuesMax) {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `cannot declare queue '${newQueue.name}': ` +
        `queue limit in vhost '${actor.vhost.name}' (${limits.queuesMax}) is reached`,
    );
  }
}

function describe(queue: Queue): DeclaredQueue {
  return { name: queue.name, messageCount: queue.readyCount, consumerCount: queue.consumerCount, created: false };
}

function ownerOf(context: CommandContext, spec: DeclareQueue): object | undefined {
  return spec.exclusive ? context.actor.connection : undefined;
}

/** An exclusive queue goes with its connection, so that storing it would be pointless. */
function isDurable(spec: QueueProperties): boolean {
  return spec.durable && !spec.exclusive;
}
