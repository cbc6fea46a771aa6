/** What a client receives from when it attaches: the queue that a source means, made for it if need be. */

import { bindQueue } from "../../core/commands/bind-queue.ts";
import type { CommandContext } from "../../core/commands/context.ts";
import { declareQueue } from "../../core/commands/declare-queue.ts";
import { notFound } from "../../core/names.ts";
import { EMPTY_TABLE } from "../../wire/field-table.ts";
import { parseQueueAddress, queueAddress, TOPIC_EXCHANGE } from "../address.ts";
import { Amqp10Error } from "../error-condition.ts";
import type { AttachRequest } from "./link.ts";
import type { LinkSession } from "./link-session.ts";
import { readSource, type Terminus } from "./terminus.ts";

const QUEUE_CAPABILITY = "queue";
const TOPIC_CAPABILITIES = ["topic", "temporary-topic"];
const SHARED_CAPABILITY = "shared";
const GLOBAL_CAPABILITY = "global";

/** The source of a link, found. */
export interface ResolvedSource {
  readonly queueName: string;
  /** As it is in place. */
  readonly source: Terminus;
  /** The queue is a subscription: what the link does not want can be dropped from it. */
  readonly isSubscription: boolean;
  /** The queue is durable, and goes when the link is closed for good. */
  readonly isDurable: boolean;
  /** Something durable has been declared for the link. */
  readonly isDeclared: boolean;
  /** Called when the link is over; `closed`: for good. */
  readonly ended: ((closed: boolean) => void) | undefined;
}

/** @throws Amqp10Error, or BrokerError as the commands that it takes */
export function resolveSource(session: LinkSession, request: AttachRequest): ResolvedSource {
  if (request.source === undefined) return lookUpSubscription(session, request);
  const source = readSource(request.source);
  if (source.dynamic) return dynamicSource(session, source);
  const { address } = source;
  if (address === undefined) throw new Amqp10Error("amqp:invalid-field", "Attach refused: a source needs an address");
  if (isTopic(source)) return topicSubscription(session, request, source, address);
  return {
    queueName: queueNameOf(session, source, address),
    source,
    isSubscription: false,
    isDurable: false,
    isDeclared: declaresQueue(source),
    ended: undefined,
  };
}

/** True for a terminus whose address is the name of a topic. */
export function isTopic({ capabilities }: Terminus): boolean {
  return capabilities.some((capability) => TOPIC_CAPABILITIES.includes(capability));
}

/** True for a terminus whose queue is declared, whether it is there or not. */
export function declaresQueue({ address, capabilities }: Terminus): boolean {
  return address !== undefined && !address.startsWith("/") && capabilities.includes(QUEUE_CAPABILITY);
}

/** The queue that an address means. One that is just a name is created if its capability says that it is a queue's. */
export function queueNameOf(session: LinkSession, terminus: Terminus, address: string): string {
  const { vhost } = session.host.identity;
  const queueName = parseQueueAddress(address) ?? plainName(address);
  if (vhost.findQueue(queueName) !== undefined) return queueName;
  if (!declaresQueue(terminus)) throw notFound("queue", queueName, vhost.name);
  return declare(session, queueName, { durable: true, exclusive: false, autoDelete: false });
}

/** @throws Amqp10Error for an address that is neither of format v2 nor a plain name */
function plainName(address: string): string {
  if (address === "" || address.startsWith("/")) {
    throw new Amqp10Error("amqp:invalid-field", `Attach refused: {bad_address,{utf8,<<"${address}">>}}`);
  }
  return address;
}

/** A queue that nobody but this connection sees. */
export function declareTemporaryQueue(session: LinkSession): string {
  return declare(session, "", { durable: false, exclusive: true, autoDelete: false });
}

function dynamicSource(session: LinkSession, source: Terminus): ResolvedSource {
  const queueName = declareTemporaryQueue(session);
  const named = { ...source, address: queueAddress(queueName), durable: 0, expiryPolicy: "link-detach" };
  return {
    queueName,
    source: named,
    isSubscription: false,
    isDurable: false,
    isDeclared: false,
    ended: () => deleteIfThere(session, queueName),
  };
}

/**
 * A topic is a routing key pattern of amq.topic, and a subscription to it is a queue: of the link alone, or, when it is
 * to outlive the link or is shared, one with a name made of those of container and link.
 */
function topicSubscription(
  session: LinkSession,
  request: AttachRequest,
  source: Terminus,
  topic: string,
): ResolvedSource {
  const isDurable = source.durable > 0 || source.expiryPolicy === "never";
  const isShared = source.capabilities.includes(SHARED_CAPABILITY);
  const queueName = declareSubscription(session, request, source, isDurable, isShared);
  bindQueue(context(session), {
    exchange: TOPIC_EXCHANGE,
    queue: queueName,
    routingKey: topic,
    arguments: EMPTY_TABLE,
  });
  const ended = isDurable
    ? (closed: boolean) => closed && deleteUnused(session, queueName)
    : () => deleteUnused(session, queueName);
  return { queueName, source, isSubscription: true, isDurable, isDeclared: isDurable, ended };
}

function declareSubscription(
  session: LinkSession,
  request: AttachRequest,
  source: Terminus,
  isDurable: boolean,
  isShared: boolean,
): string {
  if (!isDurable && !isShared) return declareTemporaryQueue(session);
  const name = subscriptionName(session, request, source.capabilities);
  return declare(session, name, { durable: isDurable, exclusive: false, autoDelete: !isDurable });
}

/** JMS clients tell the links of a shared subscription apart by what follows a bar in their names. */
function subscriptionName(session: LinkSession, { name }: AttachRequest, capabilities: readonly string[]): string {
  const [subscription = name] = name.split("|");
  const isGlobal = capabilities.includes(GLOBAL_CAPABILITY);
  return isGlobal ? `subscription.${subscription}` : `subscription.${session.host.containerId}.${subscription}`;
}

/** An attach without a source asks what a durable subscription of that name is, in order to end it. AMQP JMS Mapping. */
function lookUpSubscription(session: LinkSession, request: AttachRequest): ResolvedSource {
  const { vhost } = session.host.identity;
  const names = [subscriptionName(session, request, []), subscriptionName(session, request, [GLOBAL_CAPABILITY])];
  const queueName = names.find((name) => vhost.findQueue(name) !== undefined);
  if (queueName === undefined) throw notFound("queue", names[0] as string, vhost.name);
  const { user } = session.host.identity;
  session.host.broker.permissions.checkResource(user.name, vhost.name, "queue", queueName, "configure");
  const binding = [...vhost.bindings()].find(
    ({ source, target }) => source.name === TOPIC_EXCHANGE && target.name === queueName,
  );
  const source: Terminus = {
    address: binding?.routingKey,
    durable: 2,
    expiryPolicy: "never",
    timeoutSeconds: 0,
    dynamic: false,
    capabilities: ["topic"],
    filter: new Map(),
    distributionMode: undefined,
  };
  return {
    queueName,
    source,
    isSubscription: true,
    isDurable: true,
    isDeclared: false,
    ended: (closed) => closed && deleteUnused(session, queueName),
  };
}

interface QueueKind {
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
}

function declare(session: LinkSession, name: string, kind: QueueKind): string {
  return declareQueue(context(session), { name, passive: false, arguments: EMPTY_TABLE, ...kind }).name;
}

/** Other links may use a shared subscription still. */
function deleteUnused(session: LinkSession, queueName: string): void {
  const queue = session.host.identity.vhost.findQueue(queueName);
  if (queue?.consumerCount === 0) deleteIfThere(session, queueName);
}

export function deleteIfThere(session: LinkSession, queueName: string): void {
  const { vhost } = session.host.identity;
  const queue = vhost.findQueue(queueName);
  if (queue !== undefined) vhost.deleteQueue(queue);
}

function context(session: LinkSession): CommandContext {
  return session.host.broker.commandContext(session.host.identity);
}
