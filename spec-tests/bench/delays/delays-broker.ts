import { startServer } from "../../../src/server/lifecycle.ts";
import { keyedSource, resolveConfig } from "../../../src/server/config.ts";
import { OPTIONS } from "../../../src/server/options.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { anonymousMemoryBytes } from "../process-usage.ts";
import type { BrokerState, DelaysRequest } from "./delays-broker-process.ts";

const RESOURCE_CHECK_MILLISECONDS = 600_000;
const [directory, startAt] = process.argv.slice(2) as [string, string];

// A broker whose clock is moved by the process that measures it, which also asks for what it has used.
const clock = new ManualClock(Number(startAt));
const values = {
  dataDir: directory,
  port: 0,
  heartbeatSeconds: 0,
  memoryHighWatermarkFraction: 1,
  resourceCheckMilliseconds: RESOURCE_CHECK_MILLISECONDS,
};
const config = resolveConfig([keyedSource(values, "of the measurement")], OPTIONS);
const server = await startServer(config, silentLogger, { clock });
const { broker } = server;

process.on("message", (request: DelaysRequest) => {
  if (request.kind === "stop") void server.close().then(() => process.disconnect());
  else void answer(request).then((state) => process.send?.(state));
});
process.send?.({ port: server.port });

async function answer(request: DelaysRequest): Promise<BrokerState> {
  if (request.kind === "advance") clock.advance(request.milliseconds);
  await broker.barrier.idle();
  if (request.kind === "collect") for (let count = 0; count < 3; count++) globalThis.gc?.();
  return stateOf();
}

function stateOf(): BrokerState {
  const { user, system } = process.cpuUsage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const vhost = broker.findVhost("/");
  let [ready, delayed] = [0, 0];
  for (const { readyCount, delayedCount } of vhost?.queues ?? []) {
    ready += readyCount;
    delayed += delayedCount;
  }
  for (const { delayedCount } of vhost?.exchanges ?? []) delayed += delayedCount;
  return {
    cpuMicroseconds: user + system,
    heapBytes: heapUsed + arrayBuffers,
    anonymousBytes: anonymousMemoryBytes(process.pid),
    now: clock.now(),
    ready,
    delayed,
  };
}
