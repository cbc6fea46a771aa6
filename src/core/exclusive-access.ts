import { BrokerError } from "./errors.ts";
import { resourceText } from "./names.ts";

/** What these checks look at in a queue. */
interface OwnedQueue {
  readonly name: string;
  readonly vhostName: string;
  /** The connection that alone may use it; undefined: not exclusive. */
  readonly exclusiveOwner: object | undefined;
}

/**
 * An exclusive queue is used by the connection that declared it only; publishing to it is open to all.
 * [queue.declare/exclusive]
 * @throws BrokerError 405 when the queue belongs to another connection
 */
export function checkExclusiveAccess(queue: OwnedQueue, connection: object): void {
  if (queue.exclusiveOwner !== undefined && queue.exclusiveOwner !== connection) throw locked(queue);
}

/**
 * A queue that is declared again must have the same owner, none included.
 * @throws BrokerError 405 when it has not
 */
export function checkSameOwner(queue: OwnedQueue, owner: object | undefined): void {
  if (queue.exclusiveOwner !== owner) throw locked(queue);
}

function locked(queue: OwnedQueue): BrokerError {
  return new BrokerError(
    "RESOURCE_LOCKED",
    `cannot obtain exclusive access to locked ${resourceText("queue", queue.name, queue.vhostName)}. ` +
      "It could be originally declared on another connection or the exclusive property value does not match " +
      "that of the original declaration.",
  );
}
