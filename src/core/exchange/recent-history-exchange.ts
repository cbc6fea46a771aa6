import type { Clock } from "../../lib/clock.ts";
import { erlangTerm } from "../arguments/field-value-text.ts";
import { BrokerError } from "../errors.ts";
import type { MessageHistory } from "../message-history.ts";
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, Exchange, RoutingInput } from "./exchange.ts";
import type { ExchangeEnvironment } from "./exchange-environment.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { heldInput } from "./held-input.ts";
import { routeMessage } from "./route.ts";
import { isExchange, type Target } from "./target.ts";
import { TargetCounts } from "./target-counts.ts";

const HISTORY_LENGTH = "x-recent-history-length";
const NO_STORE = "x-recent-history-no-store";
const HISTORY_LENGTH_DEFAULT = 20;

/**
 * A fanout exchange that remembers the latest messages and hands them, oldest first, to everything newly bound to it.
 * Those of a durable exchange survive a restart. RabbitMQ: recent history exchange.
 */
export class RecentHistoryExchange extends BoundExchange {
  override readonly routesByKeyAlone = false;
  override readonly stored: MessageHistory;
  readonly #targets = new TargetCounts();
  readonly #clock: Clock;
  readonly #exchangeByName: (name: string) => Exchange | undefined;

  /** @throws BrokerError PRECONDITION_FAILED for a length that is no positive integer, or as {@link BoundExchange} */
  constructor(spec: ExchangeSpec, environment: ExchangeEnvironment) {
    super(spec);
    const countMax = historyLengthOf(spec);
    const id = spec.id ?? environment.allocateId();
    this.stored = environment.createMessageHistory({ id, durable: spec.durable, countMax });
    this.#clock = environment.clock;
    this.#exchangeByName = environment.exchangeByName;
  }

  override bind(binding: Binding): boolean {
    if (!super.bind(binding)) return false;
    this.#replay(binding.target);
    return true;
  }

  override match(input: RoutingInput, targets: Set<Target>): void {
    if (input.message !== undefined && isRemembered(input)) this.stored.add(input.message);
    this.#targets.addTo(targets);
  }

  protected override addToIndex(binding: Binding): void {
    this.#targets.increment(binding.target);
  }

  protected override removeFromIndex(binding: Binding): void {
    this.#targets.decrement(binding.target);
  }

  #replay(target: Target): void {
    const now = this.#clock.now();
    this.stored.replay((message) => {
      if (message.expiresAt !== 0) message.expiresAt = now + message.expiresAt - message.publishedAt;
      message.publishedAt = now;
      if (!isExchange(target)) {
        target.push(message, undefined, 0);
        return;
      }
      const { destinations } = routeMessage(target, heldInput(message), this.#exchangeByName);
      for (const destination of destinations) destination.push(message, undefined, 0);
    });
  }
}

/** @throws BrokerError PRECONDITION_FAILED (text and accepted types as RabbitMQ 4.3) */
function historyLengthOf(spec: ExchangeSpec): number {
  const argument = spec.arguments.get(HISTORY_LENGTH);
  if (argument === undefined) return HISTORY_LENGTH_DEFAULT;
  switch (argument.type) {
    case "byte":
    case "short":
    case "signedint":
    case "long":
      if (argument.value > 0) return Number(argument.value);
  }
  throw new BrokerError(
    "PRECONDITION_FAILED",
    `Invalid argument ${erlangTerm(argument)}, '${HISTORY_LENGTH}' must be a positive integer`,
  );
}

function isRemembered(input: RoutingInput): boolean {
  const header = input.headers()?.get(NO_STORE);
  return header?.type !== "bool" || !header.value;
}
