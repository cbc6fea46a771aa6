import type { Broker } from "../core/broker.ts";
import type { Logger } from "../lib/logger.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { MemoryGauge } from "./memory-gauge.ts";
import type { ServerConfig } from "./options.ts";
import { type MonitoredResource, ResourceMonitor } from "./resource-monitor.ts";
import { freeDiskBytes, usableMemoryBytes, usedMemoryBytes } from "./resource-probes.ts";

/** The options that say what is watched, and where alarms begin. */
export type WatermarkConfig = Pick<
  ServerConfig,
  | "memory"
  | "dataDir"
  | "memoryHighWatermarkFraction"
  | "memoryHighWatermarkBytes"
  | "diskFreeBytesMin"
  | "resourceCheckMilliseconds"
>;

/** Resources that are being watched. */
export interface WatchedResources {
  /** Looks at them no more. */
  stop(): void;
}

/** Raises and clears the alarms of `broker` as the configuration says. Resolves when everything has been measured once. */
export async function watchResources(config: ServerConfig, broker: Broker): Promise<WatchedResources> {
  const { alarms, clock, logger } = broker;
  const options = { alarms, clock, logger, intervalMilliseconds: config.resourceCheckMilliseconds };
  const monitors = monitoredResources(config, logger).map((monitored) => new ResourceMonitor(monitored, options));
  await Promise.all(monitors.map((monitor) => monitor.start()));
  return {
    stop: () => {
      for (const monitor of monitors) monitor.stop();
    },
  };
}

/** What a configuration has monitored. A broker that keeps nothing on disk has no alarm for it. */
export function monitoredResources(config: WatermarkConfig, logger: Logger): MonitoredResource[] {
  const memory = new MemoryGauge({
    watermarkBytes: memoryWatermarkBytes(config, usableMemoryBytes()),
    intervalMilliseconds: config.resourceCheckMilliseconds,
    logger,
    usedMemoryBytes,
    collectGarbage,
  });
  return config.memory ? [memory] : [memory, diskSpace(config.dataDir, config.diskFreeBytesMin)];
}

/** The octets in use above which memory counts as low: never more than the process may use. */
export function memoryWatermarkBytes(
  {
    memoryHighWatermarkBytes,
    memoryHighWatermarkFraction,
  }: Pick<WatermarkConfig, "memoryHighWatermarkBytes" | "memoryHighWatermarkFraction">,
  usableBytes: number,
): number {
  if (memoryHighWatermarkBytes > 0) return Math.min(memoryHighWatermarkBytes, usableBytes);
  return Math.trunc(memoryHighWatermarkFraction * usableBytes);
}

function diskSpace(directory: string, watermarkBytes: number): MonitoredResource {
  return {
    resource: "disk",
    watermarkBytes,
    measureBytes: () => freeDiskBytes(directory),
    isLow: (freeBytes) => freeBytes < watermarkBytes,
  };
}
