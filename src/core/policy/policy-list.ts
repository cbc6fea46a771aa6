import { compilePattern, type NamePattern } from "../pattern/compile-pattern.ts";
import { QUEUE_TYPES, type QueueType } from "../queue-type.ts";
import type { ApplyTo, Policy, PolicyObject } from "./policy.ts";
import { UNSUPPORTED_POLICY_KEYS } from "./policy-keys.ts";

/** Whether a policy for {@link ApplyTo} is for exchanges, and which types of queues it is for. */
const APPLICATION: Readonly<Record<ApplyTo, { exchanges: boolean; queueTypes: readonly QueueType[] }>> = {
  queues: { exchanges: false, queueTypes: QUEUE_TYPES },
  classic_queues: { exchanges: false, queueTypes: ["classic"] },
  quorum_queues: { exchanges: false, queueTypes: ["quorum"] },
  streams: { exchanges: false, queueTypes: ["stream"] },
  exchanges: { exchanges: true, queueTypes: [] },
  all: { exchanges: true, queueTypes: QUEUE_TYPES },
};

interface Entry {
  readonly policy: Policy;
  readonly pattern: NamePattern;
  readonly exchanges: boolean;
  /** A policy with a key that a type of queue does not know is not for queues of that type. */
  readonly queueTypes: ReadonlySet<QueueType>;
}

/** The policies of one kind in one virtual host. */
export class PolicyList {
  readonly #entries = new Map<string, Entry>();
  /** The first that fits is in effect; undefined: to be put in order again. */
  #inOrder: readonly Entry[] | undefined;

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): Policy | undefined {
    return this.#entries.get(name)?.policy;
  }

  /** From the highest priority to the lowest; of equal priority by name. */
  *policies(): Generator<Policy, void, undefined> {
    for (const { policy } of this.#ordered()) yield policy;
  }

  /** @throws BrokerError PRECONDITION_FAILED when the pattern is no regular expression */
  set(policy: Policy): void {
    const pattern = compilePattern(policy.pattern);
    const { exchanges, queueTypes } = APPLICATION[policy.applyTo];
    const supporting = queueTypes.filter((type) => !hasAny(policy, UNSUPPORTED_POLICY_KEYS[type]));
    this.#entries.set(policy.name, { policy, pattern, exchanges, queueTypes: new Set(supporting) });
    this.#inOrder = undefined;
  }

  delete(name: string): boolean {
    this.#inOrder = undefined;
    return this.#entries.delete(name);
  }

  /**
   * The policy that is in effect for `object`: of those that fit the one with the highest priority. Which of several
   * with the same priority RabbitMQ leaves open; here it is the one whose name comes first.
   */
  match(object: PolicyObject): Policy | undefined {
    const isQueue = object.kind === "queue";
    for (const entry of this.#ordered()) {
      const isFor = isQueue ? entry.queueTypes.has(object.queueType) : entry.exchanges;
      if (isFor && entry.pattern.test(object.name)) return entry.policy;
    }
    return undefined;
  }

  #ordered(): readonly Entry[] {
    this.#inOrder ??= [...this.#entries.values()].sort(
      ({ policy: a }, { policy: b }) => b.priority - a.priority || (a.name < b.name ? -1 : 1),
    );
    return this.#inOrder;
  }
}

function hasAny({ definition }: Policy, keys: ReadonlySet<string>): boolean {
  for (const key of definition.keys()) if (keys.has(key)) return true;
  return false;
}
