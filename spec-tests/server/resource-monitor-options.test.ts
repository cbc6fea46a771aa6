import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { type TestContext, test } from "node:test";
import { type BrokerOptions, startBroker } from "../../src/index.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { collectGarbage } from "../../src/server/collect-garbage.ts";
import { commandLineSource, environmentSource, keyedSource, resolveConfig } from "../../src/server/config.ts";
import { freeDiskBytes, usableMemoryBytes, usedMemoryBytes } from "../../src/server/resource-probes.ts";
import { memoryWatermarkBytes, monitoredResources, type WatermarkConfig } from "../../src/server/watch-resources.ts";
import type { RawClient } from "../support/raw-client.ts";
import { tcpClient } from "../support/tcp-client.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const GIBIBYTE = 1024 ** 3;
const PEBIBYTE = 1024 ** 5;

const DEFAULTS = resolveConfig([]);

/** A client that has published to a broker with these options. */
async function publisherTo(context: TestContext, options: BrokerOptions): Promise<RawClient> {
  const broker = await startBroker(options);
  const { client } = await tcpClient(context, broker.port);
  context.after(() => broker.close());
  client.publish(1, { routingKey: "nowhere" }, "a");
  return client;
}

/** The memory in use while there are 100 MiB of buffers, which nothing uses afterwards. */
function usedMemoryBytesWithGarbage(): number {
  const buffers = Array.from({ length: 800 }, () => Buffer.allocUnsafeSlow(128 * 1024).fill(1));
  assert.equal(buffers.length, 800);
  return usedMemoryBytes();
}

function watermarks(config: WatermarkConfig): [string, number][] {
  return monitoredResources(config, silentLogger).map(({ resource, watermarkBytes }) => [resource, watermarkBytes]);
}

test("[resource monitor/defaults] RabbitMQ's: 60 % of the memory, 50 MB of disk", () => {
  assert.deepEqual(watermarks(DEFAULTS), [
    ["memory", Math.trunc(usableMemoryBytes() * 0.6)],
    ["disk", 50_000_000],
  ]);
});

test("[resource monitor/memory] the absolute watermark wins, but is never above what the process may use", () => {
  const fraction = { memoryHighWatermarkFraction: 0.25, memoryHighWatermarkBytes: 0 };
  assert.equal(memoryWatermarkBytes(fraction, 4 * GIBIBYTE), GIBIBYTE);
  const absolute = { ...fraction, memoryHighWatermarkBytes: 2 * GIBIBYTE };
  assert.equal(memoryWatermarkBytes(absolute, 4 * GIBIBYTE), 2 * GIBIBYTE);
  assert.equal(memoryWatermarkBytes(absolute, GIBIBYTE), GIBIBYTE);
});

test("[resource monitor/memory] low is above the watermark, not at it", () => {
  const [memory] = monitoredResources(DEFAULTS, silentLogger);
  assert(memory !== undefined);
  assert.deepEqual([memory.isLow(memory.watermarkBytes), memory.isLow(memory.watermarkBytes + 1)], [false, true]);
});

test("[resource monitor/disk] low is below the watermark, not at it; 0 is never", () => {
  const isLow = (diskFreeBytesMin: number, freeBytes: number): boolean | undefined =>
    monitoredResources({ ...DEFAULTS, diskFreeBytesMin }, silentLogger)[1]?.isLow(freeBytes);
  assert.deepEqual([isLow(100, 100), isLow(100, 99), isLow(0, 0)], [false, true, false]);
});

test("[resource monitor/disk] a broker that keeps nothing on disk has no alarm for it", () => {
  assert.deepEqual(
    monitoredResources({ ...DEFAULTS, memory: true }, silentLogger).map(({ resource }) => resource),
    ["memory"],
  );
});

test("[resource monitor/probes] memory is what objects and buffers of this process take", () => {
  const usedBytes = usedMemoryBytes();
  assert(usedBytes > 1024 * 1024, `${usedBytes} octets`);
  assert(usedBytes <= process.memoryUsage.rss(), `${usedBytes} octets`);
  assert(usableMemoryBytes() > usedBytes && usableMemoryBytes() <= totalmem());
  const buffers = Buffer.alloc(64 * 1024 * 1024, 1);
  const objects = Array.from({ length: 500_000 }, (_, index) => ({ index }));
  const growthBytes = usedMemoryBytes() - usedBytes;
  assert(growthBytes > buffers.length + objects.length * 8, `${growthBytes} octets`);
});

test("[resource monitor/probes] garbage collection gives back the memory of buffers that nothing uses", async () => {
  const heldBytes = usedMemoryBytesWithGarbage();
  const milliseconds = await collectGarbage();
  const freedBytes = heldBytes - usedMemoryBytes();
  assert(freedBytes > 50 * 1024 * 1024, `${freedBytes} octets freed`);
  assert(milliseconds > 0);
});

test("[resource monitor/probes] disk space is that of the directory's file system", async (context) => {
  const directory = temporaryDirectory(context);
  const freeBytes = await freeDiskBytes(directory);
  assert(Number.isSafeInteger(freeBytes) && freeBytes > 0, `${freeBytes} octets`);
  await assert.rejects(freeDiskBytes(`${directory}/missing`), { code: "ENOENT" });
});

test("[resource monitor/options] the fraction is a number from 0 to 1, on the command line and in the environment too", () => {
  const fraction = "memoryHighWatermarkFraction";
  assert.equal(resolveConfig([commandLineSource({ "memory-high-watermark-fraction": "0.4" })])[fraction], 0.4);
  assert.equal(resolveConfig([environmentSource({ LEVERET_MEMORY_HIGH_WATERMARK_FRACTION: "1" })])[fraction], 1);
  for (const value of [60, 1.01, -0.1, "60%", Number.NaN]) {
    assert.throws(
      () => resolveConfig([keyedSource({ [fraction]: value }, "in a.yaml")]),
      /^ConfigError: memoryHighWatermarkFraction in a\.yaml is .+, but must be a number from 0 to 1$/,
    );
  }
});

test("[resource monitor/options] octets that can only be a mistake are refused", () => {
  const refused: [string, string, RegExp][] = [
    ["memory-high-watermark-bytes", "4", /is 4, but must be 0 or an integer from 16777216 to 1125899906842624$/],
    ["memory-high-watermark-bytes", "2GB", /is "2GB", but must be 0 or an integer from/],
    ["disk-free-bytes-min", "-1", /is -1, but must be an integer from 0 to 1125899906842624$/],
    ["disk-free-bytes-min", "0.5", /is 0.5, but must be an integer/],
    ["resource-check-milliseconds", "1", /is 1, but must be an integer from 100 to 600000$/],
  ];
  for (const [name, value, problem] of refused) {
    assert.throws(() => resolveConfig([commandLineSource({ [name]: value })]), problem);
  }
  assert.equal(resolveConfig([commandLineSource({ "memory-high-watermark-bytes": "0" })]).memoryHighWatermarkBytes, 0);
});

test("[resource monitor/server] a watermark of no memory blocks publishers from the start", async (context) => {
  const client = await publisherTo(context, { memoryHighWatermarkFraction: 0 });
  assert.equal((await client.expect(0, "connection.blocked")).reason, "low on memory");
});

test("[resource monitor/server] too little disk space blocks publishers from the start", async (context) => {
  const client = await publisherTo(context, { dataDir: temporaryDirectory(context), diskFreeBytesMin: PEBIBYTE });
  assert.equal((await client.expect(0, "connection.blocked")).reason, "low on disk");
});

test("[resource monitor/server] in memory, disk space does not matter", async (context) => {
  const client = await publisherTo(context, { diskFreeBytesMin: PEBIBYTE });
  await client.call(1, "access.request");
  assert.deepEqual(client.waiting(0), []);
});
