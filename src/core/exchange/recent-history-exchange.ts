import type { Clock } from "../../lib/clock.ts";
import { contentPropertiesEnd, contentPropertiesStart } from "../../wire/content.ts";
import type { FieldTable, TableLimits } from "../../wire/field-table.ts";
import { decodeProperties } from "../../wire/properties.ts";
import { erlangTerm } from "../arguments/field-value-text.ts";
import { BrokerError } from "../errors.ts";
import { Message } from "../message.ts";
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, Exchange, RoutingInput } from "./exchange.ts";
import type { ExchangeEnvironment } from "./exchange-environment.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { MessageHistory } from "./message-history.ts";
import { routeMessage } from "./route.ts";
import { isExchange, type Target } from "./target.ts";
import { TargetCounts } from "./target-counts.ts";

const HISTORY_LENGTH = "x-recent-history-length";
const NO_STORE = "x-recent-history-no-store";
const HISTORY_LENGTH_DEFAULT = 20;

/** Octets of memory that the history of one exchange may take; RabbitMQ has no such limit. */
const HISTORY_BYTES_MAX = 32 * 1024 * 1024;

/** Headers that are remembered were within the broker's limits when they came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

/**
 * A fanout exchange that remembers the latest messages and hands them, oldest first, to everything newly bound to it.
 * They are gone after a restart. RabbitMQ: recent history exchange.
 */
export class RecentHistoryExchange extends BoundExchange {
  override readonly routesByKeyAlone = false;
  readonly #targets = new TargetCounts();
  readonly #history: MessageHistory;
  readonly #clock: Clock;
  readonly #exchangeByName: (name: string) => Exchange | undefined;

  /** @throws BrokerError PRECONDITION_FAILED for a length that is no positive integer, or as {@link BoundExchange} */
  constructor(spec: ExchangeSpec, environment: ExchangeEnvironment) {
    super(spec);
    this.#history = new MessageHistory(historyLengthOf(spec), HISTORY_BYTES_MAX);
    this.#clock = environment.clock;
    this.#exchangeByName = environment.exchangeByName;
  }

  override bind(binding: Binding): boolean {
    if (!super.bind(binding)) return false;
    this.#replay(binding.target);
    return true;
  }

  override match(input: RoutingInput, targets: Set<Target>): void {
    if (input.message !== undefined && isRemembered(input)) this.#history.add(input.message, input.routingKeys);
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
    const message = new Message();
    // The target may lead back here, and so change the history.
    for (const remembered of [...this.#history]) {
      message.copyFrom(remembered.message);
      message.publishedAt = now;
      if (message.expiresAt !== 0) message.expiresAt = now + message.expiresAt - remembered.message.publishedAt;
      if (!isExchange(target)) {
        target.push(message, undefined, 0);
        continue;
      }
      const input = replayInput(message, remembered.routingKeys);
      const { destinations } = routeMessage(target, input, this.#exchangeByName);
      for (const destination of destinations) destination.push(message, undefined, 0);
    }
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

function replayInput(message: Message, routingKeys: readonly string[]): RoutingInput {
  return { message, routingKeys, headers: () => headersOf(message) };
}

function headersOf({ buffer, contentStart }: Message): FieldTable | undefined {
  const end = contentPropertiesEnd(buffer, contentStart);
  return decodeProperties(buffer, contentPropertiesStart(contentStart), end, NO_TABLE_LIMITS).headers;
}
