import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseOptions } from "../../src/perf/options.ts";
import { runThroughput } from "../../src/perf/throughput.ts";

/** What the generator alone can do. */
export interface GeneratorFigure {
  readonly name: string;
  readonly messagesPerSecond: number;
  /** Processor time of the generator per message. */
  readonly nanosecondsPerMessage: number;
}

const CASES: readonly (readonly [name: string, bodyBytes: number, options: Readonly<Record<string, unknown>>])[] = [
  ["publish 16 B", 16, { consumers: 0 }],
  ["publish 1 KB", 1024, { consumers: 0 }],
  ["publish 16 B, 100 unconfirmed", 16, { consumers: 0, confirms: 100 }],
  ["publish 1 KB, 1,000 unconfirmed", 1024, { consumers: 0, confirms: 1000 }],
  ["consume 16 B, automatic ack", 16, { publishers: 0 }],
  ["consume 1 KB, automatic ack", 1024, { publishers: 0 }],
  ["consume 16 B, ack each", 16, { publishers: 0, ack: 1 }],
  ["consume 1 KB, ack every 10", 1024, { publishers: 0, ack: 10 }],
];

/** Measures the generator against a sink in another process. */
export async function measureGenerator(seconds: number): Promise<GeneratorFigure[]> {
  const figures: GeneratorFigure[] = [];
  for (const [name, size, options] of CASES) {
    const sink = fork(join(import.meta.dirname, "sink-process.js"), [String(size)]);
    const [port] = (await once(sink, "message")) as [number];
    const uri = `amqp://127.0.0.1:${port}`;
    const parsed = parseOptions("throughput", { uri, size, duration: seconds, warmup: 0.5, ...options });
    const control = { signal: new AbortController().signal, onProgress: () => {} };
    const result = await runThroughput(parsed.throughput, control);
    const messages = result.published + result.consumed;
    figures.push({
      name,
      messagesPerSecond: messages / result.seconds,
      nanosecondsPerMessage: (result.generatorCpuSeconds * 1e9) / messages,
    });
    const exited = once(sink, "exit");
    sink.kill();
    await exited;
  }
  return figures;
}
