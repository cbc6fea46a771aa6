import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Dimension, Effort } from "./dimension.ts";
import { ScaledBroker } from "./scaled-broker.ts";

const KILOBYTE = 1e3;

/** Connections that do nothing while one publisher and one consumer do. */
export const IDLE_CONNECTIONS: Dimension = {
  key: "connections",
  title: "Idle connections beside one publisher and one consumer of 16 B transient messages, automatic ack",
  sizeName: "connections",
  sizes: { quick: [10, 100], normal: [10, 100, 1000, 10_000], full: [10, 100, 1000, 10_000] },
  columns: [
    { title: "connect", unit: "/s", isRate: false },
    { title: "RssAnon each", unit: "KB", isRate: false },
    { title: "publish and consume", unit: "messages/s", isRate: true },
  ],
  measure: measureConnections,
};

function measureConnections(size: number, effort: Effort): Promise<readonly number[]> {
  return ScaledBroker.use(effort, async (broker) => {
    const bytesBefore = broker.anonymousBytes;
    const holder = await holdConnections(broker.uri, size);
    try {
      const connectRate = size / (holder.milliseconds / 1000);
      const bytes = broker.anonymousBytes - bytesBefore;
      return [connectRate, bytes / size / KILOBYTE, await broker.consumeRate(effort)];
    } finally {
      const ended = once(holder.process, "exit");
      holder.process.disconnect();
      await ended;
    }
  });
}

/** Opens connections in a process of their own, which holds them until it is disconnected. */
async function holdConnections(uri: string, count: number): Promise<{ process: ChildProcess; milliseconds: number }> {
  const holder = fork(join(import.meta.dirname, "idle-connections-process.js"), [uri, String(count)]);
  const stop = new AbortController();
  const ended = once(holder, "exit", stop).then(([status]) => {
    throw new Error(`the process that holds ${count} connections ended with ${status}`);
  });
  const opened = once(holder, "message", stop).then(([milliseconds]) => milliseconds as number);
  try {
    return { process: holder, milliseconds: await Promise.race([opened, ended]) };
  } finally {
    stop.abort();
    // Whichever has lost the race is not waited for any more.
    await Promise.allSettled([opened, ended]);
  }
}
