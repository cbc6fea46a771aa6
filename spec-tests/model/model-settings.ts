import type { PlainArguments } from "./operation.ts";

export type QueueKind = "classic" | "quorum";

export interface ModelPolicy {
  readonly name: string;
  readonly operator: boolean;
  readonly pattern: string;
  readonly applyTo: string;
  readonly priority: number;
  readonly definition: PlainArguments;
}

/** Settings that only one type of queue knows: a policy with one does not apply to the other type at all. */
const QUORUM_ONLY = ["delivery-limit", "dead-letter-strategy"];

/** What the arguments of a queue and its policies come to: docs/policies.md. */
export class ModelSettings {
  readonly #kind: QueueKind;
  readonly #arguments: PlainArguments;
  readonly #policy: PlainArguments;

  constructor(kind: QueueKind, queueArguments: PlainArguments, policy: PlainArguments) {
    this.#kind = kind;
    this.#arguments = queueArguments;
    this.#policy = policy;
  }

  get ttl(): number {
    return this.#lower("message-ttl") ?? Number.POSITIVE_INFINITY;
  }

  get expires(): number {
    return this.#lower("expires") ?? Number.POSITIVE_INFINITY;
  }

  get lengthMax(): number {
    return this.#lower("max-length") ?? Number.POSITIVE_INFINITY;
  }

  get bytesMax(): number {
    return this.#lower("max-length-bytes") ?? Number.POSITIVE_INFINITY;
  }

  get overflow(): string {
    const value = this.#kind === "quorum" ? this.#policyFirst("overflow") : this.#argumentFirst("overflow");
    const isOnlyForClassic = value === "reject-publish-dlx" && this.#kind === "quorum";
    return value === undefined || isOnlyForClassic ? "drop-head" : (value as string);
  }

  get deadLetterExchange(): string | undefined {
    return this.#argumentFirst("dead-letter-exchange") as string | undefined;
  }

  get deadLetterKey(): string | undefined {
    return this.#argumentFirst("dead-letter-routing-key") as string | undefined;
  }

  get atLeastOnce(): boolean {
    const asked = this.#argumentFirst("dead-letter-strategy") === "at-least-once";
    return asked && this.#kind === "quorum" && this.overflow === "reject-publish";
  }

  get deliveryLimit(): number {
    if (this.#kind === "classic") return Number.POSITIVE_INFINITY;
    return this.#lower("delivery-limit") ?? 20;
  }

  /** Milliseconds that a consumer may take. */
  get consumerTimeout(): number {
    if (this.#kind === "classic") return Number.POSITIVE_INFINITY;
    return this.#lower("consumer-timeout") ?? Number.POSITIVE_INFINITY;
  }

  get retryMin(): number {
    return this.#lower("delayed-retry-min") ?? 0;
  }

  get retryMax(): number {
    return this.#lower("delayed-retry-max") ?? this.retryMin;
  }

  get retryType(): string {
    return this.retryMin === 0 ? "disabled" : ((this.#policyFirst("delayed-retry-type") as string) ?? "disabled");
  }

  get delays(): boolean {
    return this.#arguments["x-delayed-message"] === true;
  }

  get priorityMax(): number {
    return this.#kind === "quorum" ? 31 : Number(this.#arguments["x-max-priority"] ?? 0);
  }

  get priorityDefault(): number {
    return this.#kind === "quorum" ? 4 : 0;
  }

  get singleActiveConsumer(): boolean {
    return this.#arguments["x-single-active-consumer"] === true;
  }

  /** Whether a queue acts alike by both. */
  equals(other: ModelSettings): boolean {
    return this.#values() === other.#values();
  }

  #values(): string {
    const lengths = [this.ttl, this.expires, this.lengthMax, this.bytesMax, this.overflow];
    const deaths = [this.deadLetterExchange, this.deadLetterKey, this.atLeastOnce, this.deliveryLimit];
    deaths.push(this.consumerTimeout);
    return JSON.stringify([...lengths, ...deaths, this.retryMin, this.retryMax, this.retryType].map(String));
  }

  #lower(key: string): number | undefined {
    const values = [this.#arguments[`x-${key}`], this.#policy[key]].filter((value) => value !== undefined);
    return values.length === 0 ? undefined : Math.min(...values.map(Number));
  }

  #argumentFirst(key: string): unknown {
    return this.#arguments[`x-${key}`] ?? this.#policy[key];
  }

  #policyFirst(key: string): unknown {
    return this.#policy[key] ?? this.#arguments[`x-${key}`];
  }
}

/** The definition in effect for a queue or an exchange: one policy and one operator policy, merged. */
export function policyFor(
  policies: readonly ModelPolicy[],
  name: string,
  kind: QueueKind | "exchange",
): PlainArguments {
  const [user, operator] = [false, true].map((isOperator) => {
    const fitting = policies.filter((policy) => policy.operator === isOperator && applies(policy, name, kind));
    fitting.sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
    return fitting[0]?.definition ?? {};
  }) as [PlainArguments, PlainArguments];
  const merged: Record<string, string | number | boolean> = { ...user };
  for (const [key, value] of Object.entries(operator)) {
    const before = merged[key];
    if (before === undefined || typeof value !== "number") merged[key] = value;
    else merged[key] = key === "delayed-retry-min" ? Math.max(Number(before), value) : Math.min(Number(before), value);
  }
  return merged;
}

function applies({ pattern, applyTo, definition }: ModelPolicy, name: string, kind: QueueKind | "exchange"): boolean {
  const isFor = applyTo === "all" || (kind === "exchange" ? applyTo === "exchanges" : isForQueue(applyTo, kind));
  if (!isFor || !new RegExp(pattern).test(name)) return false;
  if (kind !== "classic") return true;
  return Object.keys(definition).every((key) => !QUORUM_ONLY.includes(key));
}

function isForQueue(applyTo: string, kind: QueueKind): boolean {
  return applyTo === "queues" || applyTo === `${kind}_queues`;
}
