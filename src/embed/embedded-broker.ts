import type { Broker } from "../core/broker.ts";
import type { PublishTap } from "../core/publish-tap.ts";
import type { Queue } from "../core/queue/queue.ts";
import { checkStep, ManualClock } from "../lib/manual-clock.ts";
import type { ConfirmFaults } from "./confirm-faults.ts";
import type { Faults } from "./faults.ts";
import { InProcessChannel, type InProcessChannelOptions } from "./in-process-channel.ts";
import type { InProcessConnections } from "./in-process-connections.ts";
import type { PublishedMessage, PublishFilter, PublishLog } from "./publish-log.ts";
import { resetBroker } from "./reset-broker.ts";
import { type WaitOptions, waitFor } from "./wait.ts";

/** What there is in a queue, and who takes it, at one moment. */
export interface QueueState {
  /** Messages that can be delivered now. */
  readonly readyCount: number;
  /** Messages delivered and not yet acknowledged. */
  readonly unackedCount: number;
  /** Messages that wait for a delay to pass. */
  readonly delayedCount: number;
  readonly consumerCount: number;
}

/** Which queue is meant. */
export interface InVhost {
  /** "/" unless told. */
  readonly vhost?: string;
}

const DEFAULT_VHOST = "/";

/**
 * What an {@link EmbeddedBroker} is made of.
 *
 * @internal
 */
export interface EmbeddedParts {
  readonly broker: Broker;
  readonly url: string;
  readonly urls: readonly string[];
  readonly port: number;
  readonly publishLog: PublishLog;
  readonly faults: Faults;
  readonly connections: InProcessConnections;
  readonly close: () => Promise<void>;
}

/** A broker that runs inside this process: a real one, on a port of its own. */
export class EmbeddedBroker {
  /** An `amqp://` URL with which clients on this machine connect, user and password included. */
  readonly url: string;
  /**
   * The URLs of all listeners, that of `port` first and where TLS is optional with and without it; a Unix socket's is its
   * path. Listeners for proxies are not among them.
   */
  readonly urls: readonly string[];
  /** The TCP port of `url`. */
  readonly port: number;
  /** Makes things go wrong, for tests of clients. */
  readonly faults: Faults;
  readonly #broker: Broker;
  readonly #publishLog: PublishLog;
  readonly #connections: InProcessConnections;
  readonly #close: () => Promise<void>;
  /** Settles with the last step of the clock that has been asked for. */
  #advanced: Promise<void> = Promise.resolve();

  /** @internal */
  constructor({ broker, url, urls, port, publishLog, faults, connections, close }: EmbeddedParts) {
    this.url = url;
    this.urls = urls;
    this.port = port;
    this.faults = faults;
    this.#broker = broker;
    this.#publishLog = publishLog;
    this.#connections = connections;
    this.#close = close;
  }

  /**
   * Opens a channel without a socket.
   *
   * @throws ConnectionClosedError when the login or the virtual host is refused
   * @throws Error when the broker has been closed
   */
  async openChannel(options: InProcessChannelOptions = {}): Promise<InProcessChannel> {
    return InProcessChannel.open(this.#connections.connect(), options, this.#broker.clock);
  }

  /** The state of a queue; undefined when there is none of that name. */
  queue(name: string, { vhost = DEFAULT_VHOST }: InVhost = {}): QueueState | undefined {
    const queue = this.#broker.findVhost(vhost)?.findQueue(name);
    return queue === undefined ? undefined : stateOf(queue);
  }

  /** The names of all queues of a virtual host, in alphabetical order. */
  queueNames({ vhost = DEFAULT_VHOST }: InVhost = {}): string[] {
    return Array.from(this.#broker.findVhost(vhost)?.queues ?? [], ({ name }) => name).sort();
  }

  /**
   * Waits until a queue is there and `condition` holds for it.
   *
   * @throws WaitTimeoutError that says what the queue is like instead
   */
  waitForQueue(
    name: string,
    condition: (queue: QueueState) => boolean,
    options: WaitOptions & InVhost = {},
  ): Promise<QueueState> {
    const look = (): QueueState | undefined => {
      const state = this.queue(name, options);
      return state !== undefined && condition(state) ? state : undefined;
    };
    return waitFor(look, () => `queue '${name}' is not as expected: ${describe(this.queue(name, options))}`, options);
  }

  /**
   * Waits until a queue holds exactly `count` messages, ready and unacknowledged ones together.
   *
   * @throws WaitTimeoutError that says how many it holds instead
   */
  waitForMessages(name: string, count: number, options: WaitOptions & InVhost = {}): Promise<QueueState> {
    return this.waitForQueue(name, ({ readyCount, unackedCount }) => readyCount + unackedCount === count, options);
  }

  /**
   * What clients have published, oldest first. Dead letters are not among it: the broker publishes those.
   *
   * @throws Error when the broker was started without `publishLogMessagesMax`
   */
  published(filter: PublishFilter = {}): PublishedMessage[] {
    if (!this.#publishLog.enabled) {
      throw new Error("nothing is recorded: start the broker with publishLogMessagesMax above 0");
    }
    return this.#publishLog.find(filter);
  }

  /**
   * Waits until clients have published `count` messages that the filter means, or more; resolves with all of them.
   *
   * @throws WaitTimeoutError that says how many there are
   */
  waitForPublished(count: number, filter: PublishFilter = {}, options: WaitOptions = {}): Promise<PublishedMessage[]> {
    const look = (): PublishedMessage[] | undefined => {
      const found = this.published(filter);
      return found.length >= count ? found : undefined;
    };
    const describeFound = (): string => `${this.published(filter).length} messages published, not ${count},`;
    return waitFor(look, describeFound, options);
  }

  /**
   * Moves the broker's clock forward. Everything that falls due on the way happens at its own time and in order, with
   * all that follows from it, before this resolves; deliveries may then still be on their way to clients. One call
   * waits for another.
   *
   * @throws Error when the broker was not started with a {@link ManualClock}
   * @throws RangeError for a time that is negative or has no end
   */
  async advance(milliseconds: number): Promise<void> {
    const { clock } = this.#broker;
    if (!(clock instanceof ManualClock)) throw new Error("start the broker with `clock: new ManualClock()` to move it");
    checkStep(milliseconds);
    const step = (): Promise<void> => this.#advance(clock, milliseconds);
    this.#advanced = this.#advanced.then(step, step);
    await this.#advanced;
  }

  async #advance(clock: ManualClock, milliseconds: number): Promise<void> {
    const end = clock.now() + milliseconds;
    await this.settled();
    for (let due = clock.nextDueAt; due !== undefined && due <= end; due = clock.nextDueAt) {
      clock.advance(Math.max(0, due - clock.now()));
      await this.settled();
    }
    clock.advance(Math.max(0, end - clock.now()));
    await this.settled();
  }

  /** Waits until the broker has dealt with everything it has received and has written what is to be written. */
  async settled(): Promise<void> {
    await this.#broker.barrier.idle();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /**
   * Makes the broker as good as new, for the next test: connections are dropped; queues, exchanges, bindings, policies
   * and virtual hosts but the default one are deleted; faults end; the log of publishes is empty. Users stay.
   */
  async reset(): Promise<void> {
    this.faults.clear();
    this.faults.dropConnections();
    resetBroker(this.#broker);
    this.#publishLog.clear();
    await this.settled();
  }

  /** Closes connections with 320, commits and releases the port and the data directory. May be called repeatedly. */
  close(): Promise<void> {
    return this.#close();
  }

  /** For `await using`; the same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * What the broker asks about every publish.
 *
 * @internal
 */
export function publishTap(publishLog: PublishLog, confirms: ConfirmFaults): PublishTap {
  return {
    routed(message, destinations, origin) {
      publishLog.add(message, destinations, origin);
      return confirms.apply(destinations);
    },
  };
}

function stateOf({ readyCount, unackedCount, delayedCount, consumerCount }: Queue): QueueState {
  return { readyCount, unackedCount, delayedCount, consumerCount };
}

function describe(state: QueueState | undefined): string {
  if (state === undefined) return "there is none of that name";
  return `${state.readyCount} ready, ${state.unackedCount} unacknowledged, ${state.delayedCount} delayed, ${state.consumerCount} consumers`;
}
