import { deleteQueues } from "./clients.ts";
import { openAll } from "./connecting.ts";
import type { ConnectionOptions } from "./connection.ts";
import { LatencyHistogram, type LatencySummary } from "./latency-histogram.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";
import { PerfError } from "./perf-error.ts";
import { ReadMemory } from "./read-memory.ts";
import { RequestSchedule } from "./request-schedule.ts";
import type { Requester } from "./requester.ts";
import type { Responder } from "./responder.ts";
import { openRequester, openResponder, type RpcContext } from "./rpc-clients.ts";
import type { RpcOptions } from "./rpc-options.ts";
import type { RunControl } from "./run-control.ts";

/** How often clients with a rate see what is due. */
const RATE_TICK_MILLISECONDS = 1;

const PROGRESS_MILLISECONDS = 1000;

/** Without any reply for this long while requests are unanswered, none is going to come. */
const STALLED_SECONDS = 10;

/** What happened in some time. */
export interface RpcCounts {
  readonly seconds: number;
  readonly requests: number;
  readonly replies: number;
  /** Requests that the responders of this run have answered, whoever asked. */
  readonly answered: number;
  readonly requestRate: number;
  readonly replyRate: number;
}

export interface RpcResult extends RpcCounts {
  readonly mode: "rpc";
  /** Requests whose reply has not come, for all the waiting at the end. */
  readonly unanswered: number;
  /** From request to reply. */
  readonly latency: LatencySummary;
  /** How long after it was due each request was sent; present with a rate. Tells how busy this process was kept. */
  readonly lateness?: LatencySummary;
  /** Seconds of processor time that the generator took. */
  readonly generatorCpuSeconds: number;
}

type Totals = Pick<RpcCounts, "seconds" | "requests" | "replies" | "answered">;

/** Asks and answers as `options` say. Rejects with a PerfError when the broker refuses or hangs up, or nobody answers. */
export function runRpc(options: RpcOptions, control: RunControl<RpcCounts>): Promise<RpcResult> {
  return new RpcRun(options, control).run();
}

class RpcRun {
  readonly #options: RpcOptions;
  readonly #control: RunControl<RpcCounts>;
  readonly #connecting: ConnectionOptions;
  readonly #roundTrip = new LatencyHistogram();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended: Promise<void>;
  #end: () => void = () => {};
  #fail: (error: PerfError) => void = () => {};
  #requesters: readonly Requester[] = [];
  #responders: readonly Responder[] = [];
  #schedule: RequestSchedule | undefined;
  /** Requests that are still to be sent. */
  #left: number;
  #asking = true;
  #unanswered = 0;
  /** What happened before what is measured, and when that began. */
  #before: Totals = { seconds: 0, requests: 0, replies: 0, answered: 0 };
  /** What had happened when the time was up. */
  #after: Totals | undefined;
  #cpuBefore: NodeJS.CpuUsage = process.cpuUsage();

  constructor(options: RpcOptions, control: RunControl<RpcCounts>) {
    this.#options = options;
    this.#control = control;
    this.#left = options.requests === 0 ? Infinity : options.requests;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.#connecting = {
      address: options.address,
      memory: new ReadMemory(),
      connections: new Set(),
      onFailure: (error) => this.#fail(error),
    };
  }

  async run(): Promise<RpcResult> {
    const { signal } = this.#control;
    signal.addEventListener("abort", this.#end, { once: true });
    try {
      await Promise.race([this.#connect(), this.#ended]);
      if (!signal.aborted) this.#start();
      await this.#ended;
      return this.#result();
    } finally {
      signal.removeEventListener("abort", this.#end);
      await this.#close();
    }
  }

  async #connect(): Promise<void> {
    const { clients, responders, rate } = this.#options;
    const context: RpcContext = {
      options: this.#options,
      connecting: this.#connecting,
      roundTrip: this.#roundTrip,
      onReply: (requester) => this.#replied(requester),
    };
    this.#responders = await openAll(responders, (index) => openResponder(context, index));
    this.#requesters = await openAll(clients, (index) => openRequester(context, index));
    if (rate > 0 && clients > 0) this.#schedule = new RequestSchedule(this.#requesters, rate, (to) => this.#ask(to));
  }

  #start(): void {
    const { duration, warmup } = this.#options;
    this.#beginMeasuring();
    if (warmup > 0) this.#timers.push(setTimeout(() => this.#beginMeasuring(), warmup * 1000));
    if (duration > 0) this.#timers.push(setTimeout(() => this.#timeUp(), (warmup + duration) * 1000));
    this.#watch();
    const schedule = this.#schedule;
    if (schedule === undefined) {
      for (const requester of this.#requesters) this.#ask(requester);
    } else {
      schedule.start();
      const tick = (): void => {
        if (this.#asking) schedule.run();
      };
      this.#timers.push(setInterval(tick, RATE_TICK_MILLISECONDS));
    }
  }

  #ask(requester: Requester): void {
    if (!this.#asking) return;
    this.#unanswered++;
    requester.ask(monotonicNanoseconds());
    if (--this.#left === 0) this.#asking = false;
  }

  #replied(requester: Requester): void {
    this.#unanswered--;
    if (this.#schedule === undefined) this.#ask(requester);
    if (!this.#asking && this.#unanswered === 0) this.#end();
  }

  /** Asks no more. The run ends when all requests are answered: the slowest count as well. */
  #timeUp(): void {
    this.#asking = false;
    this.#after = this.#totals();
    if (this.#unanswered === 0) this.#end();
  }

  /** Reports once a second, and notices when replies that are waited for do not come. */
  #watch(): void {
    let last = this.#totals();
    let movedAt = last.seconds;
    const look = (): void => {
      const totals = this.#totals();
      this.#control.onProgress(countsBetween(last, totals));
      if (totals.replies > last.replies || this.#unanswered === 0) movedAt = totals.seconds;
      last = totals;
      if (totals.seconds - movedAt < STALLED_SECONDS) return;
      if (totals.replies > 0) this.#end();
      else this.#fail(new PerfError(`none of ${totals.requests} requests has been answered`));
    };
    this.#timers.push(setInterval(look, PROGRESS_MILLISECONDS));
  }

  #beginMeasuring(): void {
    this.#before = this.#totals();
    this.#cpuBefore = process.cpuUsage();
    this.#roundTrip.reset();
    this.#schedule?.lateness.reset();
  }

  #totals(): Totals {
    let [requests, replies, answered] = [0, 0, 0];
    for (const requester of this.#requesters) {
      requests += requester.requests;
      replies += requester.replies;
    }
    for (const responder of this.#responders) answered += responder.answered;
    return { seconds: monotonicNanoseconds() / 1e9, requests, replies, answered };
  }

  #result(): RpcResult {
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    return {
      mode: "rpc",
      ...countsBetween(this.#before, this.#after ?? this.#totals()),
      unanswered: this.#unanswered,
      latency: this.#roundTrip.summary(),
      ...(this.#schedule === undefined ? {} : { lateness: this.#schedule.lateness.summary() }),
      generatorCpuSeconds: (user + system) / 1e6,
    };
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#asking = false;
    for (const responder of this.#responders) responder.finish();
    await Promise.all([...this.#connecting.connections].map((connection) => connection.close()));
    if (this.#options.delete) await deleteQueues(this.#connecting, this.#options);
  }
}

function countsBetween(from: Totals, to: Totals): RpcCounts {
  const seconds = to.seconds - from.seconds;
  const [requests, replies] = [to.requests - from.requests, to.replies - from.replies];
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  const rates = { requestRate: perSecond(requests), replyRate: perSecond(replies) };
  return { seconds, requests, replies, answered: to.answered - from.answered, ...rates };
}
