import { octetsFromString } from "../../wire/octet-string.ts";
import { BrokerError } from "../errors.ts";
import { checkNotDefaultExchange, cleanName, REPLY_QUEUE_PREFIX, type ResourceKind } from "../names.ts";
import { type CommandContext, checkAccess } from "./context.ts";

/** What a shortstr can carry. */
const ROUTING_KEY_BYTES_MAX = 255;

/** A binding as a client names it. */
export interface BindingEnds {
  readonly source: string;
  readonly targetKind: ResourceKind;
  readonly target: string;
  readonly routingKey: string;
}

/** The names that were meant. */
export interface BindingNames {
  readonly source: string;
  readonly target: string;
}

/**
 * What binding and unbinding have in common: it takes write access to the target and read access to the source.
 * @throws BrokerError 403 for a direct reply-to queue, the default exchange at either end or missing permissions; 406 for
 *   a routing key that no message can have
 */
export function checkBindingAccess(context: CommandContext, ends: BindingEnds): BindingNames {
  const source = cleanName("exchange", ends.source);
  const target = cleanName(ends.targetKind, ends.target);
  checkRoutingKey(ends.routingKey);
  if (ends.targetKind === "queue" && target.startsWith(REPLY_QUEUE_PREFIX)) {
    throw new BrokerError("ACCESS_REFUSED", "cannot bind or unbind to a volatile (direct reply-to) queue");
  }
  checkAccess(context, ends.targetKind, target, "write");
  if (ends.targetKind === "exchange") checkNotDefaultExchange(target);
  checkNotDefaultExchange(source);
  checkAccess(context, "exchange", source, "read");
  checkTopicAccess(context, source, ends.routingKey);
  return { source, target };
}

/** A protocol other than AMQP 0-9-1 can send a longer one, which no message has. */
function checkRoutingKey(routingKey: string): void {
  if (octetsFromString(routingKey).length > ROUTING_KEY_BYTES_MAX) {
    throw new BrokerError("PRECONDITION_FAILED", `routing key is longer than ${ROUTING_KEY_BYTES_MAX} octets`);
  }
}

function checkTopicAccess(context: CommandContext, source: string, routingKey: string): void {
  const { user, vhost } = context.actor;
  if (vhost.findExchange(source)?.type === "topic") {
    context.permissions.checkTopic(user.name, vhost.name, source, routingKey, "read");
  }
}
