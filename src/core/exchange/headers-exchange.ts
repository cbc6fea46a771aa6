import { assert } from "../../lib/assert.ts";
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import { HeadersPattern } from "./headers-pattern.ts";
import type { Target } from "./target.ts";

/**
 * Routes by the message's headers, which the arguments of a binding describe; routing keys play no part.
 * AMQP 0-9-1 section 3.1.3.4, with RabbitMQ's two further values of x-match.
 */
export class HeadersExchange extends BoundExchange {
  override readonly routesByKeyAlone = false;
  readonly #patterns = new Map<Binding, HeadersPattern>();

  override match(input: RoutingInput, targets: Set<Target>): void {
    if (this.#patterns.size === 0) return;
    const headers = input.headers();
    for (const [binding, pattern] of this.#patterns) {
      if (!targets.has(binding.target) && pattern.matches(headers)) targets.add(binding.target);
    }
  }

  protected override checkBinding(binding: Binding): void {
    HeadersPattern.parse(binding.arguments);
  }

  protected override addToIndex(binding: Binding): void {
    this.#patterns.set(binding, HeadersPattern.parse(binding.arguments));
  }

  protected override removeFromIndex(binding: Binding): void {
    assert(this.#patterns.delete(binding), "every binding of a headers exchange has its pattern");
  }
}
