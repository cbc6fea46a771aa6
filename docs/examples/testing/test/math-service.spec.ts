import { type ClientProxy, ClientProxyFactory } from "@nestjs/microservices";
import { useBroker } from "leveret";
import { firstValueFrom } from "rxjs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { rmq, seen, startMathService } from "../src/math-service.ts";

const broker = useBroker({ beforeAll, afterEach, afterAll });

async function withService(use: (client: ClientProxy) => Promise<void>): Promise<void> {
  const service = await startMathService(broker().url);
  const client = ClientProxyFactory.create(rmq(broker().url));
  try {
    await use(client);
  } finally {
    await client.close();
    await service.close();
  }
}

test("a request is answered", () =>
  withService(async (client) => {
    expect(await firstValueFrom(client.send<number>("sum", [1, 2, 3]))).toBe(6);
  }));

test("an event reaches its handler, through the queue", () =>
  withService(async (client) => {
    await firstValueFrom(client.emit("noted", "hello"), { defaultValue: undefined });
    await expect.poll(() => seen).toContain("hello");
    expect(broker().published({ queue: "math" })).toHaveLength(1);
  }));

test("the service comes back by itself when its connection is lost", () =>
  withService(async (client) => {
    expect(await firstValueFrom(client.send<number>("sum", [1]))).toBe(1);
    expect(broker().faults.dropConnections()).toBeGreaterThan(0);
    await broker().waitForQueue("math", ({ consumerCount }) => consumerCount === 0);
    await broker().waitForQueue("math", ({ consumerCount }) => consumerCount === 1, { timeoutMilliseconds: 15_000 });
    expect(await firstValueFrom(client.send<number>("sum", [2, 3]))).toBe(5);
  }), 20_000);
