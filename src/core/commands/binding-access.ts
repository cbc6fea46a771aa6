import { BrokerError } from "../errors.ts";
import {
  checkNotDefaultExchange,
  cleanName,
  REPLY_QUEUE_NAME,
  REPLY_QUEUE_PREFIX,
  type ResourceKind,
} from "../names.ts";
import { type CommandContext, checkAccess } from "./context.ts";

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
 * @throws BrokerError 403 for a direct reply-to queue, the default exchange at either end or missing permissions
 */
export function checkBindingAccess(context: CommandContext, ends: BindingEnds): BindingNames {
  const source = cleanName("exchange", ends.source);
  const target = cleanName(ends.targetKind, ends.target);
  if (ends.targetKind === "queue" && (target === REPLY_QUEUE_NAME || target.startsWith(REPLY_QUEUE_PREFIX))) {
    throw new BrokerError("ACCESS_REFUSED", "cannot bind or unbind to a volatile (direct reply-to) queue");
  }
  checkAccess(context, ends.targetKind, target, "write");
  if (ends.targetKind === "exchange") checkNotDefaultExchange(target);
  checkNotDefaultExchange(source);
  checkAccess(context, "exchange", source, "read");
  checkTopicAccess(context, source, ends.routingKey);
  return { source, target };
}

function checkTopicAccess(context: CommandContext, source: string, routingKey: string): void {
  const { user, vhost } = context.actor;
  if (vhost.findExchange(source)?.type === "topic") {
    context.permissions.checkTopic(user.name, vhost.name, source, routingKey, "read");
  }
}
