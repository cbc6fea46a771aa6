// Hot file: match runs for every message whose route is not cached.
import { octetsFromString } from "../../wire/octet-string.ts";
import { BrokerError } from "../errors.ts";
import { PARTITION_ORDER, partitionCount, partitionOrder } from "../super-stream.ts";
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { murmurHash } from "./murmur-hash.ts";
import type { Target } from "./target.ts";

/** What RabbitMQ's stream clients begin their hash with. */
const SEED = 104_729;

/**
 * Routes each message to the partition that the hash of its routing key points at: the same one that RabbitMQ's stream
 * clients choose among so many. Bindings say with x-stream-partition-order which partition they lead to; their keys play
 * no part. As the number of partitions is the declared one, a partition that is gone takes its messages with it and
 * leaves all other keys where they are. RabbitMQ: "Streams and Super Streams".
 */
export class SuperStreamExchange extends BoundExchange {
  override readonly routesByKeyAlone = true;
  /** What each partition leads to. */
  readonly #targets: readonly Binding[][];

  /** @throws BrokerError PRECONDITION_FAILED as {@link BoundExchange} and {@link partitionCount} */
  constructor(spec: ExchangeSpec) {
    super(spec);
    this.#targets = Array.from({ length: partitionCount(spec) }, () => []);
  }

  override match(input: RoutingInput, targets: Set<Target>): void {
    for (const routingKey of input.routingKeys) {
      const octets = octetsFromString(routingKey);
      const partition = murmurHash(octets, 0, octets.length, SEED) % this.#targets.length;
      for (const { target } of this.#targets[partition]!) targets.add(target);
    }
  }

  protected override checkBinding(binding: Binding): void {
    const order = partitionOrder(binding.arguments);
    if (order !== undefined && order < this.#targets.length) return;
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `a binding to super stream '${this.name}' needs an ${PARTITION_ORDER} from 0 to ${this.#targets.length - 1}`,
    );
  }

  protected override addToIndex(binding: Binding): void {
    this.#bindingsOf(binding).push(binding);
  }

  protected override removeFromIndex(binding: Binding): void {
    const bindings = this.#bindingsOf(binding);
    bindings.splice(bindings.indexOf(binding), 1);
  }

  #bindingsOf(binding: Binding): Binding[] {
    return this.#targets[partitionOrder(binding.arguments) as number]!;
  }
}
