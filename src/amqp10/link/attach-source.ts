import type { Queue } from "../../core/queue/queue.ts";
import { checkQueueAccess } from "../../core/session/queue-access.ts";
import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import type { Typed } from "../codec/types.ts";
import { fieldFrom } from "../conversion/field-values.ts";
import { readFilters } from "./filters.ts";
import { type AttachRequest, type Link, type PreparedLink, SENDER_SETTLES } from "./link.ts";
import type { LinkSession } from "./link-session.ts";
import { type ResolvedSource, resolveSource } from "./queue-source.ts";
import { SendingLink } from "./sending-link.ts";
import { encodeSource } from "./terminus.ts";

const OUTCOMES = ["amqp:accepted:list", "amqp:rejected:list", "amqp:released:list", "amqp:modified:list"];

/** The properties of an attach that are arguments of a consumer. */
const CONSUMER_ARGUMENTS = [
  ["rabbitmq:priority", "x-priority"],
  ["rabbitmq:consumer-timeout", "x-consumer-timeout"],
] as const;

/** Finds what a client is to receive from, or makes it. @throws Amqp10Error or BrokerError */
export function prepareSource(session: LinkSession, request: AttachRequest): PreparedLink {
  const resolved = resolveSource(session, request);
  const attach = (): Link => {
    try {
      return startLink(session, request, resolved);
    } catch (error) {
      resolved.ended?.(false);
      throw error;
    }
  };
  return { isDurable: resolved.isDeclared, attach };
}

function startLink(session: LinkSession, request: AttachRequest, resolved: ResolvedSource): Link {
  const { queueName, source, isSubscription, isDurable, ended } = resolved;
  const queue = queueFor(session, queueName);
  const isStream = queue.type === "stream";
  const filters = readFilters(source.filter, isStream || isSubscription);
  const settled = request.senderSettleMode === SENDER_SETTLES.settled;
  const link = new SendingLink(session, request, {
    queueName,
    settled,
    exclusive: false,
    arguments: new Map([...consumerArguments(request.properties), ...filters.arguments]),
    isStream,
    isDurable,
    selects: filters.selects,
    ended,
  });
  try {
    link.start();
  } catch (error) {
    link.end("detached");
    throw error;
  }
  session.answerAttach(request, true, {
    senderSettleMode: settled ? SENDER_SETTLES.settled : SENDER_SETTLES.unsettled,
    receiverSettleMode: request.receiverSettleMode,
    source: encodeSource({ ...source, distributionMode: isStream ? "copy" : "move" }, filters.effective, OUTCOMES),
    target: request.target,
    messageBytesMax: request.messageBytesMax,
  });
  return link;
}

function queueFor({ host }: LinkSession, queueName: string): Queue {
  const { vhost, user, connection } = host.identity;
  return checkQueueAccess(vhost, host.broker.permissions, user.name, connection, queueName);
}

function consumerArguments(properties: ReadonlyMap<string, Typed>): FieldTable {
  const result = new Map<string, FieldValue>();
  for (const [property, argument] of CONSUMER_ARGUMENTS) {
    const value = properties.get(property);
    const field = value === undefined ? undefined : fieldFrom(value);
    if (field !== undefined) result.set(argument, field);
  }
  return result;
}
