import type { Logger } from "../lib/logger.ts";

/** What a broker can run low on. */
export type AlarmResource = "disk" | "memory";

/** The cause of an alarm that is raised by hand: by an operator, or by a test. */
const BY_REQUEST = "request";

/**
 * Which resources the broker is low on. While any alarm is raised, connections that publish are blocked (RabbitMQ's
 * "Memory and Disk Alarms").
 */
export class Alarms {
  readonly #logger: Logger;
  /** The causes of each alarm that is raised. */
  readonly #causes = new Map<AlarmResource, Set<string>>();
  readonly #listeners = new Set<() => void>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** True while any alarm is raised. */
  get inEffect(): boolean {
    return this.#causes.size > 0;
  }

  /** The resources whose alarm is raised, in alphabetical order. */
  get raised(): AlarmResource[] {
    return [...this.#causes.keys()].sort();
  }

  /** Raises the alarm of `resource` for `cause`; it stays raised until every cause has been cleared. */
  raise(resource: AlarmResource, cause = BY_REQUEST): void {
    const causes = this.#causes.get(resource);
    if (causes !== undefined) {
      causes.add(cause);
      return;
    }
    this.#causes.set(resource, new Set([cause]));
    this.#logger.warn("alarm raised: publishers are blocked until it is cleared", { resource, cause });
    this.#notify();
  }

  /** Takes back what {@link Alarms.raise} has said for the same `cause`; does nothing when it has not been said. */
  clear(resource: AlarmResource, cause = BY_REQUEST): void {
    const causes = this.#causes.get(resource);
    if (causes?.delete(cause) !== true || causes.size > 0) return;
    this.#causes.delete(resource);
    this.#logger.info("alarm cleared", { resource });
    this.#notify();
  }

  /** Calls back whenever an alarm has been raised or cleared, until {@link Alarms.forget} is called. */
  listen(listener: () => void): void {
    this.#listeners.add(listener);
  }

  forget(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
