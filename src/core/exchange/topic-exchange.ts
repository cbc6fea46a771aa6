import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import type { Target } from "./target.ts";
import { TopicTrie } from "./topic-trie.ts";

/**
 * Routes to the bindings whose pattern matches the routing key: words separated by '.', of which '*' stands for
 * exactly one (which may be empty) and '#' for zero or more. AMQP 0-9-1 section 3.1.3.3; RabbitMQ for what the
 * specification leaves open: the empty key has no words, so '#' and '' match it and '*' does not.
 */
export class TopicExchange extends BoundExchange {
  override readonly routesByKeyAlone = true;
  readonly #trie = new TopicTrie();

  override match(input: RoutingInput, targets: Set<Target>): void {
    const keys = input.routingKeys;
    for (let i = 0; i < keys.length; i++) this.#trie.match(keys[i]!, targets);
  }

  protected override addToIndex(binding: Binding): void {
    this.#trie.add(binding.routingKey, binding.target);
  }

  protected override removeFromIndex(binding: Binding): void {
    this.#trie.remove(binding.routingKey, binding.target);
  }
}
