import type { TestContext } from "node:test";
import { startBroker } from "../../src/index.ts";
import { type ChurnResult, runChurn } from "../../src/perf/churn.ts";
import { parseOptions } from "../../src/perf/options.ts";
import { type RpcResult, runRpc } from "../../src/perf/rpc.ts";
import type { RunControl } from "../../src/perf/run-control.ts";
import type { Rates, ThroughputResult } from "../../src/perf/run-report.ts";
import { runThroughput } from "../../src/perf/throughput.ts";
import { withClient } from "../bench/broker-process.ts";

type Options = Readonly<Record<string, unknown>>;

const CONTROL: RunControl<unknown> = { signal: new AbortController().signal, onProgress: () => {} };

/** A broker in this process that is reached through a port, and stops with the test. */
export async function brokerUri(context: TestContext): Promise<string> {
  const broker = await startBroker();
  context.after(() => broker.close());
  return broker.url;
}

/** What `leveret perf` with these options measures; they go by their command-line names. */
export function throughput(options: Options, control: RunControl<Rates> = CONTROL): Promise<ThroughputResult> {
  return runThroughput(parseOptions("throughput", options).throughput, control);
}

/** What `leveret perf <mode>` with these options measures. */
export function churn(mode: ChurnResult["mode"], options: Options): Promise<ChurnResult> {
  const { churn: churnOptions } = parseOptions(mode, options);
  if (churnOptions === undefined) throw new TypeError(`${mode} is no churn mode`);
  return runChurn(churnOptions, CONTROL);
}

/** What `leveret perf rpc` with these options measures. */
export function rpc(options: Options): Promise<RpcResult> {
  const { rpc: rpcOptions } = parseOptions("rpc", options);
  if (rpcOptions === undefined) throw new TypeError("rpc is a mode");
  return runRpc(rpcOptions, CONTROL);
}

/** Messages that are waiting in a queue. */
export function waiting(uri: string, queue: string): Promise<number> {
  return withClient(uri, async (client) => {
    const channel = await client.openChannel();
    return (await channel.call("queue.declare", { queue, passive: true })).messageCount;
  });
}
