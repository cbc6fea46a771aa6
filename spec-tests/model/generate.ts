import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { deduplication, policyDefinition, queueArguments } from "./generate-settings.ts";
import { EXCHANGES, KEYS, QUEUES } from "./names.ts";
import type { Operation, PlainArguments, Publish, SessionMode, Step } from "./operation.ts";
import { SESSION_MODES } from "./play.ts";
import type { Profile } from "./profiles.ts";

const TAGS = ["c0", "c1", "c2", "c3"];
const EXCHANGE_TYPES = ["direct", "fanout", "topic", "headers"];
const BINDING_KEYS = [...KEYS, "#", "a.*", "*.b", "*", ""];
const DEDUPLICATION_KEYS = ["1", "2", "3", "4", "a key of more than 31 octets: of these the digest is kept"];
const PASS_MILLISECONDS_MAX = [3_000, 30_000, 300_000];
const DELAY_MILLISECONDS_MAX = 100_000;
const EXPIRATION_MILLISECONDS_MAX = 50_000;

/** Makes up what is done to a broker; what it says does not depend on what the broker does. */
export class Generator {
  readonly #random: SeededRandom;
  readonly #profile: Profile;
  readonly #total: number;

  constructor(random: SeededRandom, profile: Profile) {
    this.#random = random;
    this.#profile = profile;
    this.#total = Object.values(profile.weights).reduce((sum, weight) => sum + weight, 0);
  }

  /** Queues and exchanges to begin with, then `count` steps, then everything is looked at. */
  steps(count: number): Step[] {
    const first = [
      ...EXCHANGES.map((exchange) => this.#declareExchange(exchange)),
      ...QUEUES.map((queue) => this.#declareQueue(queue)),
      ...QUEUES.flatMap(() => [this.#of("bind"), this.#of("bind")]),
    ];
    const last: Operation[] = [
      ...SESSION_MODES.map((mode, session): Operation => ({ do: "reopen", session, mode })),
      { do: "releaseCommits" },
    ];
    const all = [...first, ...Array.from({ length: count }, () => this.#any()), ...last];
    return all.map((operation) => ({ operation, endsTurn: this.#random.chance(0.75) }));
  }

  #any(): Operation {
    let at = this.#random.integer(0, this.#total - 1);
    for (const [name, weight] of Object.entries(this.#profile.weights)) {
      at -= weight;
      if (at < 0) return this.#of(name as Operation["do"]);
    }
    throw new Error("the weights are those counted");
  }

  #of(name: Operation["do"]): Operation {
    const random = this.#random;
    const session = random.integer(0, SESSION_MODES.length - 1);
    const queue = random.pick(QUEUES);
    switch (name) {
      case "publish":
        return { do: name, session, publish: this.#publish() };
      case "commit":
      case "rollback":
        return { do: name, session: SESSION_MODES.indexOf("transactions") };
      case "recover":
      case "toggleWritable":
        return { do: name, session };
      case "reopen":
        return { do: name, session, mode: SESSION_MODES[session] as SessionMode };
      case "consume": {
        const priority = random.chance(0.7) ? 0 : random.integer(-1, 2);
        const flags = { noAck: random.chance(0.15), exclusive: random.chance(0.05) };
        return { do: name, session, queue, tag: random.pick(TAGS), ...flags, priority };
      }
      case "cancel":
        return { do: name, session, tag: random.pick(TAGS) };
      case "qos":
        return { do: name, session, count: random.integer(0, 4) };
      case "get":
        return { do: name, session, queue, noAck: random.chance(0.3) };
      case "acknowledge": {
        const outcome = random.pick(["accepted", "accepted", "released", "failed", "rejected"] as const);
        return { do: name, session, which: random.integer(0, 1_000), multiple: random.chance(0.2), outcome };
      }
      case "declareQueue":
        return this.#declareQueue(queue);
      case "deleteQueue":
      case "purge":
        return { do: name, queue };
      case "declareExchange":
        return this.#declareExchange(random.pick(EXCHANGES));
      case "deleteExchange":
        return { do: name, exchange: random.pick(EXCHANGES) };
      case "bind":
      case "unbind": {
        const target = random.chance(0.75) ? queue : random.pick(EXCHANGES);
        const routingKey = random.pick(BINDING_KEYS);
        return { do: name, source: random.pick(EXCHANGES), target, routingKey, arguments: this.#bindingArguments() };
      }
      case "setPolicy":
        return this.#setPolicy();
      case "clearPolicy":
        return { do: name, name: random.pick(["p", "o"]), operator: random.chance(0.3) };
      case "pass":
        return { do: name, milliseconds: random.integer(1, random.pick(PASS_MILLISECONDS_MAX)) };
      case "holdCommits":
      case "releaseCommits":
        return { do: name };
      case "failCommits":
        return { do: name, count: random.integer(1, 3) };
      case "restart": {
        const downMilliseconds = random.chance(0.6) ? 0 : random.integer(1, random.pick(PASS_MILLISECONDS_MAX));
        return { do: name, crash: random.chance(0.6), downMilliseconds };
      }
    }
  }

  #publish(): Publish {
    const random = this.#random;
    const { ttl, priorities, delays, deduplication } = this.#profile.features;
    const toQueue = random.chance(0.5);
    const headers = {
      ...(random.chance(0.3) && { h: random.pick(["1", "2"]) }),
      ...(deduplication && random.chance(0.7) && { "x-deduplication-header": random.pick(DEDUPLICATION_KEYS) }),
      ...(deduplication && random.chance(0.1) && { "x-cache-ttl": this.#upTo(EXPIRATION_MILLISECONDS_MAX) }),
      ...this.#forgedDeath(),
    };
    return {
      exchange: toQueue ? "" : random.pick(EXCHANGES),
      routingKey: random.pick(toQueue ? QUEUES : KEYS),
      mandatory: random.chance(0.3),
      persistent: random.chance(0.6),
      bodyBytes: random.chance(0.05) ? 2_000 : random.integer(0, 30),
      ...(random.chance(priorities ? 0.8 : 0.1) && { priority: random.integer(0, random.pick([3, 9, 40])) }),
      ...(ttl && random.chance(0.4) && { expiration: this.#upTo(EXPIRATION_MILLISECONDS_MAX) }),
      ...(random.chance(0.1) && { cc: [random.pick([...KEYS, ...QUEUES])] }),
      ...(random.chance(0.1) && { bcc: [random.pick([...KEYS, ...QUEUES])] }),
      ...(delays && random.chance(0.6) && { delay: this.#upTo(DELAY_MILLISECONDS_MAX) }),
      ...(Object.keys(headers).length > 0 && { headers }),
    };
  }

  /** What only the broker may say. */
  #forgedDeath(): Publish["headers"] {
    if (!this.#random.chance(0.03)) return {};
    const death = { queue: this.#random.pick(QUEUES), reason: "expired", count: 7, exchange: "", "routing-keys": [] };
    return { "x-death": [death], "x-first-death-queue": "forged" };
  }

  /** Often short, and seldom the same twice. */
  #upTo(max: number): number {
    return this.#random.chance(0.1) ? 0 : this.#random.integer(1, this.#random.pick([max / 20, max]));
  }

  #declareQueue(queue: string): Operation {
    const random = this.#random;
    const { features } = this.#profile;
    const kind = random.pick(features.kinds);
    const isQuorum = kind === "quorum";
    return {
      do: "declareQueue",
      queue,
      durable: isQuorum || random.chance(0.8),
      autoDelete: !isQuorum && features.autoDelete === true && random.chance(0.2),
      arguments: queueArguments(random, features, kind),
    };
  }

  #declareExchange(exchange: string): Operation {
    const random = this.#random;
    const type = random.pick(EXCHANGE_TYPES);
    const delays = this.#profile.features.delays === true && random.chance(0.3);
    const deduplicating = this.#profile.features.deduplication === true;
    return {
      do: "declareExchange",
      exchange,
      type: delays ? "x-delayed-message" : type,
      durable: random.chance(0.8),
      autoDelete: this.#profile.features.autoDelete === true && random.chance(0.2),
      arguments: {
        ...(delays && { "x-delayed-type": type }),
        ...(deduplicating && random.chance(0.5) && !delays && deduplication(random, true)),
        ...(!deduplicating && random.chance(0.25) && { "alternate-exchange": random.pick(EXCHANGES) }),
      },
    };
  }

  #bindingArguments(): Record<string, string> {
    if (this.#random.chance(0.6)) return {};
    return { "x-match": this.#random.pick(["all", "any"]), h: this.#random.pick(["1", "2"]) };
  }

  #setPolicy(): Operation {
    const random = this.#random;
    const operator = random.chance(0.3);
    const forExchanges = !operator && random.chance(0.2);
    const definition: PlainArguments = forExchanges
      ? { "alternate-exchange": random.pick(EXCHANGES) }
      : policyDefinition(random, operator);
    const queues = ["queues", "all", "classic_queues", "quorum_queues"];
    return {
      do: "setPolicy",
      name: random.pick(["p", "o"]),
      operator,
      // Times of several queues that are the same would run out together.
      pattern: isTimed(definition) ? `^${random.pick(QUEUES)}$` : random.pick(["", "^q[01]$", "[1-4]"]),
      applyTo: forExchanges ? "exchanges" : random.pick(queues),
      priority: random.integer(0, 1),
      definition,
    };
  }
}

function isTimed(definition: PlainArguments): boolean {
  return ["message-ttl", "expires", "delayed-retry-min"].some((key) => definition[key] !== undefined);
}
