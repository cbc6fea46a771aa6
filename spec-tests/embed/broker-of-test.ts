import type { TestContext } from "node:test";
import { type BrokerOptions, type EmbeddedBroker, startBroker } from "../../src/index.ts";

/** A broker that is closed when the test ends. */
export async function brokerOfTest(context: TestContext, options: BrokerOptions): Promise<EmbeddedBroker> {
  const broker = await startBroker(options);
  context.after(() => broker.close());
  return broker;
}
