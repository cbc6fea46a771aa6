import type { Binding } from "./exchange.ts";
import { topicMatches, wordsOf } from "./topic-pattern.ts";

/** How many changes are remembered. To look through them costs about as much as to find a route anew. */
const REMEMBERED_MAX = 64;

/** The routing keys whose messages a change may send elsewhere. */
type Reach =
  | { readonly kind: "all" }
  | { readonly kind: "equal"; readonly routingKey: string }
  | { readonly kind: "matching"; readonly pattern: readonly string[] };

interface RouteChange {
  readonly exchangeName: string;
  readonly reach: Reach;
}

/** A route that is kept, as far as changes are concerned. */
export interface KeptRoute {
  readonly routingKey: string;
  /** The exchanges it came past, and those that were looked for and are not there. */
  readonly exchangeNames: readonly string[];
  /** The {@link RouteChanges.version} at which it is known to be right. */
  version: number;
}

const ALL: Reach = { kind: "all" };

/**
 * The latest changes to the topology of a virtual host, each with the routes it can matter to. Who keeps a route looks
 * through what has changed since, when it is wanted again; so a change costs the same however many routes are kept, and
 * only those are found anew that it concerns.
 */
export class RouteChanges {
  readonly #changes: RouteChange[] = [];
  /** How many changes there have been. */
  version = 0;

  /** The exchange has come, has gone, or has another alternate exchange. */
  exchangeChanged(exchangeName: string): void {
    this.#add({ exchangeName, reach: ALL });
  }

  /** A key of an exchange that routes to what is named like it has come to lead somewhere, or nowhere. */
  keyChanged(exchangeName: string, routingKey: string): void {
    this.#add({ exchangeName, reach: { kind: "equal", routingKey } });
  }

  /** A binding has come or gone. */
  bindingChanged({ source, routingKey }: Binding): void {
    this.#add({ exchangeName: source.name, reach: reachOf(source.type, routingKey) });
  }

  /** Changes that came before this version are forgotten. */
  get rememberedFrom(): number {
    return Math.max(0, this.version - REMEMBERED_MAX);
  }

  /** True when no change since has anything to do with `route`, whose version this brings up to date. */
  stillHolds(route: KeptRoute): boolean {
    if (route.version === this.version) return true;
    if (route.version < this.rememberedFrom) return false;
    let keyWords: readonly string[] | undefined;
    for (let version = route.version; version < this.version; version++) {
      const { exchangeName, reach } = this.#changes[version % REMEMBERED_MAX] as RouteChange;
      if (!route.exchangeNames.includes(exchangeName)) continue;
      if (reach.kind === "matching") {
        keyWords ??= wordsOf(route.routingKey);
        if (!topicMatches(reach.pattern, keyWords)) continue;
      } else if (reach.kind === "equal" && reach.routingKey !== route.routingKey) {
        continue;
      }
      return false;
    }
    route.version = this.version;
    return true;
  }

  #add(change: RouteChange): void {
    this.#changes[this.version % REMEMBERED_MAX] = change;
    this.version++;
  }
}

/** @param type of the exchange; of those whose bindings work in another way, each may matter to every key */
function reachOf(type: string, routingKey: string): Reach {
  if (type === "direct") return { kind: "equal", routingKey };
  if (type === "topic") return { kind: "matching", pattern: wordsOf(routingKey) };
  return ALL;
}
