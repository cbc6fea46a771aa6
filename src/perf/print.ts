import type { ChurnCounts, ChurnResult } from "./churn.ts";
import type { LatencySummary } from "./latency-histogram.ts";
import type { RpcCounts, RpcResult } from "./rpc.ts";
import type { Rates, ThroughputResult } from "./run-report.ts";

const NAME_COLUMNS = 22;
const COUNT_COLUMNS = 14;

/** One line about the last second. */
export function ratesLine({ publishRate, confirmRate, consumeRate, refused }: Rates): string {
  const parts = [`published ${perSecond(publishRate)}`];
  if (confirmRate > 0) parts.push(`confirmed ${perSecond(confirmRate)}`);
  if (refused > 0) parts.push(`refused ${whole(refused)}`);
  parts.push(`consumed ${perSecond(consumeRate)}`);
  return parts.join("   ");
}

/** One line about the last second. */
export function churnLine({ operationRate }: ChurnCounts): string {
  return `operations ${perSecond(operationRate)}`;
}

/** One line about the last second. */
export function rpcLine({ requestRate, replyRate }: RpcCounts): string {
  return `requests ${perSecond(requestRate)}   replies ${perSecond(replyRate)}`;
}

/** The result for people. */
export function throughputResultLines(result: ThroughputResult): string[] {
  const { seconds, published, confirmed, refused, consumed, latency, confirmLatency } = result;
  const lines = [];
  if (published > 0) lines.push(countLine("published", published, result.publishRate));
  if (confirmed > 0) lines.push(countLine("confirmed", confirmed, result.confirmRate));
  if (refused > 0) lines.push(countLine("refused", refused, refused / seconds));
  if (consumed > 0) lines.push(countLine("consumed", consumed, result.consumeRate));
  if (latency !== undefined) lines.push(latencyLine("publish to delivery", latency));
  if (confirmLatency !== undefined) lines.push(latencyLine("publish to confirm", confirmLatency));
  lines.push(timeLine(result));
  return lines;
}

/** The result for people. */
export function churnResultLines(result: ChurnResult): string[] {
  return [
    countLine("operations", result.operations, result.operationRate),
    latencyLine("time of an operation", result.latency),
    timeLine(result),
  ];
}

/** The result for people. */
export function rpcResultLines(result: RpcResult): string[] {
  const { seconds, requests, replies, answered, unanswered, latency, lateness } = result;
  const lines = [];
  if (requests > 0) lines.push(countLine("requests", requests, result.requestRate));
  if (requests > 0) lines.push(countLine("replies", replies, result.replyRate));
  if (answered > 0) lines.push(countLine("answered", answered, answered / seconds));
  if (unanswered > 0) lines.push(countLine("never answered", unanswered, unanswered / seconds));
  if (latency.count > 0) lines.push(latencyLine("request to reply", latency));
  if (lateness !== undefined) lines.push(latencyLine("requests sent late by", lateness));
  lines.push(timeLine(result));
  return lines;
}

function countLine(name: string, count: number, rate: number): string {
  return `${name.padEnd(NAME_COLUMNS)}${whole(count).padStart(COUNT_COLUMNS)}   ${perSecond(rate)}`;
}

function latencyLine(name: string, { min, median, p90, p95, p99, p999, max }: LatencySummary): string {
  const named = { min, median, p90, p95, p99, "p99.9": p999, max };
  const texts = Object.entries(named).map(([label, milliseconds]) => `${label} ${milliseconds.toFixed(3)}`);
  return `${name.padEnd(NAME_COLUMNS)}${texts.join("   ")} ms`;
}

function timeLine({ seconds, generatorCpuSeconds }: { seconds: number; generatorCpuSeconds: number }): string {
  return `measured for ${seconds.toFixed(2)} s, of which the generator took ${generatorCpuSeconds.toFixed(2)} s of CPU`;
}

function perSecond(rate: number): string {
  return `${whole(rate)}/s`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
