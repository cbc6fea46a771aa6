import { BrokerError } from "../errors.ts";
import type { QueueType } from "../queue-type.ts";
import type { Binding, Destination } from "./exchange.ts";
import { RandomExchange } from "./random-exchange.ts";
import { isExchange } from "./target.ts";

/** A queue, as far as this exchange looks at it. */
interface TypedQueue extends Destination {
  readonly type?: QueueType;
}

/**
 * A random exchange that only classic queues can be bound to, with the empty binding key. In a cluster it keeps to the
 * queues of the publisher's node, which on a single node are all of them. RabbitMQ 4.0: local random exchange.
 */
export class LocalRandomExchange extends RandomExchange {
  protected override checkBinding({ target, routingKey }: Binding): void {
    if (routingKey !== "") throw refused(`Non empty binding '${routingKey}' key not permitted`);
    if (isExchange(target)) throw refused("Destination not found");
    const { type }: TypedQueue = target;
    if (type !== "classic") throw refused(`Queue type rabbit_${type}_queue not valid for this exchange type`);
  }
}

function refused(explanation: string): BrokerError {
  return new BrokerError("PRECONDITION_FAILED", explanation);
}
