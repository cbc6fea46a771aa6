import type { LatencySummary } from "./latency-histogram.ts";
import type { Rates, ThroughputResult } from "./run-report.ts";

/** One line about the last second. */
export function countsLine({ publishRate, confirmRate, consumeRate, refused }: Rates): string {
  const parts = [`published ${perSecond(publishRate)}`];
  if (confirmRate > 0) parts.push(`confirmed ${perSecond(confirmRate)}`);
  if (refused > 0) parts.push(`refused ${whole(refused)}`);
  parts.push(`consumed ${perSecond(consumeRate)}`);
  return parts.join("   ");
}

/** The result for people. */
export function resultLines(result: ThroughputResult): string[] {
  const { seconds, latency, confirmLatency } = result;
  const lines = [
    `measured for ${seconds.toFixed(2)} s; the generator took ${result.generatorCpuSeconds.toFixed(2)} s of CPU`,
  ];
  const counted = (name: string, count: number, rate: number): void => {
    lines.push(`${name.padEnd(10)} ${whole(count).padStart(14)}   ${perSecond(rate)}`);
  };
  if (result.published > 0) counted("published", result.published, result.publishRate);
  if (result.confirmed > 0) counted("confirmed", result.confirmed, result.confirmRate);
  if (result.refused > 0) counted("refused", result.refused, result.refused / seconds);
  if (result.consumed > 0) counted("consumed", result.consumed, result.consumeRate);
  if (latency !== undefined) lines.push(`publish to delivery  ${latencyText(latency)}`);
  if (confirmLatency !== undefined) lines.push(`publish to confirm   ${latencyText(confirmLatency)}`);
  return lines;
}

/** Percentiles in one line. */
export function latencyText({ median, p90, p99, p999, max }: LatencySummary): string {
  const named = { median, p90, p99, "p99.9": p999, max };
  const texts = Object.entries(named).map(([name, milliseconds]) => `${name} ${milliseconds.toFixed(3)}`);
  return `${texts.join("   ")} ms`;
}

function perSecond(rate: number): string {
  return `${whole(rate)}/s`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
