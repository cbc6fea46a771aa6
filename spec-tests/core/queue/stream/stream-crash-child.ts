/**
 * Publishes to a stream in the data directory given and reads it as a named consumer that acknowledges most of it.
 * Prints, whenever all of it is durable, up to which offset messages are confirmed and acknowledged. Runs until it is
 * killed.
 */

import { writeSync } from "node:fs";
import { silentLogger } from "../../../../src/lib/logger.ts";
import { openLmdbStore } from "../../../../src/store/lmdb-store.ts";
import { Reader, StreamBench } from "./stream-bench.ts";

const bench = new StreamBench(openLmdbStore({ directory: process.argv[2] as string, logger: silentLogger }));
let confirmed = bench.stream.durableEnd;
const receipt = {
  stored: () => {
    confirmed++;
  },
  refused: () => {
    throw new Error("a message has been refused");
  },
};
const reader = new Reader();
bench.consume(reader, { tag: "crashing", prefetch: 50 });
for (let next = confirmed; ; ) {
  const end = next + 1 + (next % 40);
  for (; next < end; next++) bench.push(`message ${next}`, { receipt });
  await bench.settle();
  reader.ack(Math.max(0, reader.unacked.length - 3));
  const acknowledged = reader.unacked[0];
  await bench.settle();
  if (acknowledged !== undefined) writeSync(1, `${confirmed} ${acknowledged}\n`);
}
