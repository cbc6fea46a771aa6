import { openAll } from "./connecting.ts";
import { LatencyHistogram, type LatencySummary } from "./latency-histogram.ts";
import { MessageRun, type RunSteps } from "./message-run.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";
import { PerfError } from "./perf-error.ts";
import { RequestSchedule } from "./request-schedule.ts";
import type { Requester } from "./requester.ts";
import type { Responder } from "./responder.ts";
import { openRequester, openResponder, type RpcContext } from "./rpc-clients.ts";
import type { RpcOptions } from "./rpc-options.ts";
import type { RunControl } from "./run-control.ts";

/** How often clients with a rate see what is due. */
const RATE_TICK_MILLISECONDS = 1;

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
  const run = new MessageRun(options);
  return run.perform(control.signal, new RpcSteps(run, options, control.onProgress));
}

class RpcSteps implements RunSteps<RpcResult> {
  readonly #run: MessageRun;
  readonly #options: RpcOptions;
  readonly #onProgress: (counts: RpcCounts) => void;
  readonly #roundTrip = new LatencyHistogram();
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

  constructor(run: MessageRun, options: RpcOptions, onProgress: (counts: RpcCounts) => void) {
    this.#run = run;
    this.#options = options;
    this.#onProgress = onProgress;
    this.#left = options.requests === 0 ? Infinity : options.requests;
  }

  async connect(): Promise<void> {
    const { clients, responders, rate } = this.#options;
    const context: RpcContext = {
      options: this.#options,
      connecting: this.#run.connecting,
      roundTrip: this.#roundTrip,
      onReply: (requester) => this.#replied(requester),
    };
    this.#responders = await openAll(responders, (index) => openResponder(context, index));
    this.#requesters = await openAll(clients, (index) => openRequester(context, index));
    if (rate > 0 && clients > 0) this.#schedule = new RequestSchedule(this.#requesters, rate, (to) => this.#ask(to));
  }

  start(): void {
    const { timers } = this.#run;
    const onTimeUp = (): void => this.#timeUp();
    timers.begin(this.#options, { onMeasure: () => this.#measure(), onTimeUp, onSecond: this.#watcher() });
    const schedule = this.#schedule;
    if (schedule === undefined) {
      for (const requester of this.#requesters) this.#ask(requester);
    } else {
      schedule.start();
      timers.every(RATE_TICK_MILLISECONDS, () => {
        if (this.#asking) schedule.run();
      });
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
    if (!this.#asking && this.#unanswered === 0) this.#run.end();
  }

  /** Asks no more. The run ends when all requests are answered: the slowest count as well. */
  #timeUp(): void {
    this.#asking = false;
    this.#after = this.#totals();
    if (this.#unanswered === 0) this.#run.end();
  }

  /** Reports what happened since the last time, and notices when replies that are waited for do not come. */
  #watcher(): () => void {
    let last = this.#totals();
    let movedAt = last.seconds;
    return () => {
      const totals = this.#totals();
      this.#onProgress(countsBetween(last, totals));
      if (totals.replies > last.replies || this.#unanswered === 0) movedAt = totals.seconds;
      last = totals;
      if (totals.seconds - movedAt < STALLED_SECONDS) return;
      if (totals.replies > 0) this.#run.end();
      else this.#run.fail(new PerfError(`none of ${totals.requests} requests has been answered`));
    };
  }

  #measure(): void {
    this.#before = this.#totals();
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

  result(): RpcResult {
    return {
      mode: "rpc",
      ...countsBetween(this.#before, this.#after ?? this.#totals()),
      unanswered: this.#unanswered,
      latency: this.#roundTrip.summary(),
      ...(this.#schedule === undefined ? {} : { lateness: this.#schedule.lateness.summary() }),
      generatorCpuSeconds: this.#run.timers.cpuSeconds,
    };
  }

  stop(): void {
    this.#asking = false;
    for (const responder of this.#responders) responder.finish();
  }
}

function countsBetween(from: Totals, to: Totals): RpcCounts {
  const seconds = to.seconds - from.seconds;
  const [requests, replies] = [to.requests - from.requests, to.replies - from.replies];
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  const rates = { requestRate: perSecond(requests), replyRate: perSecond(replies) };
  return { seconds, requests, replies, answered: to.answered - from.answered, ...rates };
}
