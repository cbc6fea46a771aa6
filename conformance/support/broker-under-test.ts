import { after } from "node:test";
import { BrokerProcess } from "./broker-process.ts";

const externalUrl = process.env["LEVERET_CONFORMANCE_URL"];

/** For tests that kill the broker: why they are skipped; false when they are not. */
export const skipUnlessOwnBroker =
  externalUrl === undefined ? false : "it kills the broker, and the one at LEVERET_CONFORMANCE_URL is not its own";

/** For what other brokers do not have: why the tests are skipped; false when they are not. */
export const skipUnlessLeveret =
  externalUrl === undefined ? false : "the broker at LEVERET_CONFORMANCE_URL need not be Leveret";

/**
 * The URL of the broker that the tests of this file run against: LEVERET_CONFORMANCE_URL when it is set, otherwise
 * a broker of their own, without a disk, that ends with them.
 */
export async function brokerUnderTest(): Promise<string> {
  if (externalUrl !== undefined) return externalUrl;
  const broker = await BrokerProcess.start("--memory");
  after(() => broker.stop());
  return broker.url;
}
