import type { ModelMessage } from "./model-message.ts";
import type { PlainArguments } from "./operation.ts";

const CACHE_SIZE_DEFAULT = 128;

interface Remembered {
  readonly key: string;
  readonly expiresAt: number;
  /** It survives a restart. */
  readonly survives: boolean;
}

/** The keys that an exchange or a queue has seen lately: docs/deduplication.md. */
export class ModelWindow {
  readonly #size: number;
  readonly #ttl: number;
  /** Oldest first; only so many of the latest count as the window is large. */
  #keys: readonly Remembered[] = [];

  constructor(table: PlainArguments) {
    this.#size = Number(table["x-cache-size"] ?? CACHE_SIZE_DEFAULT);
    this.#ttl = Number(table["x-cache-ttl"] ?? Number.POSITIVE_INFINITY);
  }

  has(key: string, now: number): boolean {
    return this.#keys.slice(-this.#size).some((each) => each.key === key && each.expiresAt > now);
  }

  remember(key: string, { headers }: ModelMessage, now: number, survives: boolean): void {
    const ttl = Number(headers?.["x-cache-ttl"] ?? this.#ttl);
    this.#keys = [...this.#keys, { key, expiresAt: now + ttl, survives }];
  }

  /** What a restart leaves of it. */
  restored(): ModelWindow {
    const restored = new ModelWindow({ "x-cache-size": this.#size, "x-cache-ttl": this.#ttl });
    restored.#keys = this.#keys.filter(({ survives }) => survives);
    return restored;
  }
}

/** What tells duplicates. */
export function keyOf({ headers }: ModelMessage): string | undefined {
  return headers?.["x-deduplication-header"] as string | undefined;
}

/** Whether an exchange or a queue looks for duplicates. */
export function deduplicates(table: PlainArguments): boolean {
  return table["x-message-deduplication"] === true;
}

/** Whether a queue remembers keys longer than it has their messages. */
export function hasWindow(table: PlainArguments): boolean {
  return deduplicates(table) && (table["x-cache-size"] ?? table["x-cache-ttl"]) !== undefined;
}
