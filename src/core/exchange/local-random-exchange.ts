import { BrokerError } from "../errors.ts";
import type { Binding, Destination } from "./exchange.ts";
import { RandomExchange } from "./random-exchange.ts";
import { isExchange } from "./target.ts";

/** What a queue says of itself when it is not a classic one. */
interface TypedQueue extends Destination {
  /** The value of x-queue-type; undefined: "classic". */
  readonly queueType?: string;
}

/**
 * A random exchange that only classic queues can be bound to, with the empty binding key. In a cluster it keeps to the
 * queues of the publisher's node, which on a single node are all of them. RabbitMQ 4.0: local random exchange.
 */
export class LocalRandomExchange extends RandomExchange {
  protected override checkBinding({ target, routingKey }: Binding): void {
    if (routingKey !== "") throw refused(`Non empty binding '${routingKey}' key not permitted`);
    if (isExchange(target)) throw refused("Destination not found");
    const { queueType = "classic" }: TypedQueue = target;
    if (queueType !== "classic") throw refused(`Queue type rabbit_${queueType}_queue not valid for this exchange type`);
  }
}

function refused(explanation: string): BrokerError {
  return new BrokerError("PRECONDITION_FAILED", explanation);
}
