import type { Delayed } from "./model-entry.ts";
import { delayOf, type ModelMessage } from "./model-message.ts";
import type { ModelWindow } from "./model-window.ts";
import type { PlainArguments } from "./operation.ts";

export interface ModelExchange {
  readonly name: string;
  /** How it routes; an x-delayed-message exchange routes as the type within. */
  readonly type: string;
  readonly delays: boolean;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: PlainArguments;
  /** By its own argument or a policy. */
  alternate: string | undefined;
  /** What waits in an x-delayed-message exchange. */
  delayed: Delayed[];
  /** Of an exchange that drops duplicates. */
  readonly window: ModelWindow | undefined;
}

export interface ModelBinding {
  readonly source: string;
  /** A queue or an exchange. */
  readonly target: string;
  readonly routingKey: string;
  readonly arguments: PlainArguments;
}

/** Exchanges, bindings, and where a message goes. Queues are known by name. */
export class ModelTopology {
  readonly exchanges = new Map<string, ModelExchange>();
  bindings: ModelBinding[] = [];
  readonly #hasQueue: (name: string) => boolean;

  constructor(hasQueue: (name: string) => boolean) {
    this.#hasQueue = hasQueue;
  }

  hasExchange(name: string): boolean {
    return name === "" || this.exchanges.has(name);
  }

  bind(binding: ModelBinding): void {
    if (!this.bindings.some((other) => isSame(other, binding))) this.bindings.push(binding);
  }

  unbind(binding: ModelBinding): void {
    const before = this.bindings;
    this.bindings = before.filter((other) => !isSame(other, binding));
    if (this.bindings.length < before.length) this.#deleteIfUnused(binding.source);
  }

  /** A queue or an exchange has gone: its bindings go too, and auto-delete exchanges that were bound to nothing else. */
  deleted(name: string): void {
    const sources = this.bindings.filter(({ target }) => target === name).map(({ source }) => source);
    this.bindings = this.bindings.filter(({ source, target }) => source !== name && target !== name);
    for (const source of sources) this.#deleteIfUnused(source);
  }

  deleteExchange(name: string): void {
    if (this.exchanges.delete(name)) this.deleted(name);
  }

  #deleteIfUnused(name: string): void {
    const isUsed = this.bindings.some(({ source }) => source === name);
    if (this.exchanges.get(name)?.autoDelete === true && !isUsed) this.deleteExchange(name);
  }

  /**
   * The queues that a message published to an exchange reaches, and the x-delayed-message exchanges in which it waits:
   * each once. An exchange that matches nothing hands on to its alternate exchange.
   */
  route(
    exchange: string,
    keys: readonly string[],
    message: ModelMessage,
  ): { queues: string[]; waitsIn: ModelExchange[] } {
    const queues = new Set<string>();
    const waitsIn = new Set<ModelExchange>();
    const visited = new Set([exchange]);
    for (const name of visited) {
      if (name === "") for (const key of keys) if (this.#hasQueue(key)) queues.add(key);
      const here = this.exchanges.get(name);
      if (here === undefined) continue;
      if (here.delays && delayOf(message) > 0) {
        waitsIn.add(here);
        continue;
      }
      const matching = this.bindings.filter(
        (binding) => binding.source === name && matches(here, binding, keys, message),
      );
      for (const { target } of matching) {
        if (this.exchanges.has(target)) visited.add(target);
        else queues.add(target);
      }
      if (matching.length === 0 && here.alternate !== undefined && this.hasExchange(here.alternate)) {
        visited.add(here.alternate);
      }
    }
    return { queues: [...queues], waitsIn: [...waitsIn] };
  }
}

/** Reference 1.6. */
function matches(
  { type }: ModelExchange,
  { routingKey, arguments: table }: ModelBinding,
  keys: readonly string[],
  { headers = {} }: ModelMessage,
): boolean {
  switch (type) {
    case "fanout":
      return true;
    case "direct":
      return keys.includes(routingKey);
    case "topic":
      return keys.some((key) => topicMatches(words(routingKey), words(key)));
    default: {
      const wanted = Object.entries(table).filter(([name]) => !name.startsWith("x-"));
      const isMatch = ([name, value]: [string, unknown]): boolean => headers[name] === value;
      return table["x-match"] === "any" ? wanted.some(isMatch) : wanted.every(isMatch);
    }
  }
}

function words(key: string): string[] {
  return key === "" ? [] : key.split(".");
}

function topicMatches([first, ...pattern]: string[], key: string[]): boolean {
  if (first === undefined) return key.length === 0;
  if (first === "#")
    return topicMatches(pattern, key) || (key.length > 0 && topicMatches([first, ...pattern], key.slice(1)));
  return key.length > 0 && (first === "*" || first === key[0]) && topicMatches(pattern, key.slice(1));
}

function isSame(a: ModelBinding, b: ModelBinding): boolean {
  return (
    a.source === b.source &&
    a.target === b.target &&
    a.routingKey === b.routingKey &&
    JSON.stringify(a.arguments) === JSON.stringify(b.arguments)
  );
}
