import { parseBrokerUri } from "../../../src/perf/broker-uri.ts";
import { openAll } from "../../../src/perf/connecting.ts";
import { PerfConnection } from "../../../src/perf/connection.ts";
import { ReadMemory } from "../../../src/perf/read-memory.ts";

// Holds connections, each with a channel, that do nothing. Says in how many milliseconds they were opened, and ends when
// its parent lets go.
const [uri, count] = process.argv.slice(2) as [string, string];
const options = {
  address: parseBrokerUri(uri),
  memory: new ReadMemory(),
  connections: new Set<PerfConnection>(),
  onFailure: (error: Error) => {
    throw error;
  },
};
const startedAt = performance.now();
await openAll(Number(count), () => PerfConnection.open(options));
process.send?.(performance.now() - startedAt);
process.once("disconnect", () => process.exit());
