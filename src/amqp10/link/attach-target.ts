import { notFound, resourceText } from "../../core/names.ts";
import {
  type PublishAddress,
  parseTargetAddress,
  queueAddress,
  queuePublishAddress,
  topicAddress,
} from "../address.ts";
import { composite, symbols } from "../codec/types.ts";
import { Amqp10Error } from "../error-condition.ts";
import { CoordinatorLink } from "./coordinator-link.ts";
import type { AttachRequest, Link, PreparedLink } from "./link.ts";
import { expiryInEffect, LinkMemory } from "./link-memory.ts";
import type { LinkSession } from "./link-session.ts";
import { PublishingLink } from "./publishing-link.ts";
import { declaresQueue, declareTemporaryQueue, deleteIfThere, isTopic, queueNameOf } from "./queue-source.ts";
import { encodeTarget, readTarget, type Terminus } from "./terminus.ts";

const COORDINATOR = 0x30;
const TRANSACTION_CAPABILITIES = ["amqp:local-transactions", "amqp:multi-txns-per-ssn"];

/** Where a link publishes. */
interface ResolvedTarget {
  /** Undefined: each message says so itself. */
  readonly address: PublishAddress | undefined;
  /** As it is in place. */
  readonly target: Terminus;
  /** A queue that goes with the link. */
  readonly temporaryQueueName: string | undefined;
}

/** Finds where a client is to send to, or makes it. @throws Amqp10Error or BrokerError */
export function prepareTarget(session: LinkSession, request: AttachRequest): PreparedLink {
  if (request.target === undefined) throw new Amqp10Error("amqp:invalid-field", "Attach refused: a target is required");
  const asked = expiryInEffect(readTarget(request.target));
  const resolved = resolveTarget(session, asked);
  return { isDurable: declaresQueue(asked), attach: () => attachTarget(session, request, resolved) };
}

function attachTarget(session: LinkSession, request: AttachRequest, resolved: ResolvedTarget): Link {
  const { address, target, temporaryQueueName } = resolved;
  if (address !== undefined) checkExchange(session, address.exchangeName);
  const ended = temporaryQueueName === undefined ? undefined : () => deleteIfThere(session, temporaryQueueName);
  const memory = new LinkMemory(session, request, target);
  const link = new PublishingLink(session, request, { address, memory, ended });
  session.answerAttach(request, false, {
    senderSettleMode: request.senderSettleMode,
    receiverSettleMode: request.receiverSettleMode,
    source: request.source,
    target: encodeTarget(target),
    unsettled: memory.resumed ? memory.unsettled : undefined,
    messageBytesMax: session.host.broker.limits.messageBytesMax,
  });
  link.start();
  return link;
}

/** Starts a link on which the client controls transactions. */
export function attachCoordinator(session: LinkSession, request: AttachRequest): Link {
  const link = new CoordinatorLink(session, request);
  session.answerAttach(request, false, {
    senderSettleMode: request.senderSettleMode,
    source: request.source,
    target: composite(COORDINATOR, [symbols(TRANSACTION_CAPABILITIES)]),
    messageBytesMax: session.host.broker.limits.messageBytesMax,
  });
  link.start();
  return link;
}

function resolveTarget(session: LinkSession, target: Terminus): ResolvedTarget {
  if (target.dynamic) {
    const queueName = declareTemporaryQueue(session);
    return {
      address: queuePublishAddress(queueName),
      target: { ...target, address: queueAddress(queueName), expiryPolicy: "link-detach", timeoutSeconds: 0 },
      temporaryQueueName: queueName,
    };
  }
  const { address } = target;
  if (address === undefined) return { address: undefined, target, temporaryQueueName: undefined };
  return { address: publishAddress(session, target, address), target, temporaryQueueName: undefined };
}

function publishAddress(session: LinkSession, target: Terminus, address: string): PublishAddress {
  const parsed = parseTargetAddress(address);
  if (parsed === undefined) {
    if (address.startsWith("/")) {
      throw new Amqp10Error("amqp:invalid-field", `Attach refused: {bad_address_string,<<"${address}">>}`);
    }
    if (isTopic(target)) return topicAddress(address);
    return queuePublishAddress(queueNameOf(session, target, address));
  }
  const { vhost } = session.host.identity;
  if (parsed.queueName !== undefined && vhost.findQueue(parsed.queueName) === undefined) {
    throw notFound("queue", parsed.queueName, vhost.name);
  }
  return parsed;
}

function checkExchange({ host }: LinkSession, exchangeName: string): void {
  const { user, vhost } = host.identity;
  host.broker.permissions.checkResource(user.name, vhost.name, "exchange", exchangeName, "write");
  if (vhost.requireExchange(exchangeName).internal) {
    const exchange = resourceText("exchange", exchangeName, vhost.name);
    throw new Amqp10Error("amqp:unauthorized-access", `forbidden to publish to internal ${exchange}`);
  }
}
