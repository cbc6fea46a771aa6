import { after } from "node:test";
import { BrokerProcess } from "./broker-process.ts";

/**
 * The URL of the broker that the tests of this file run against: LEVERET_CONFORMANCE_URL when it is set, otherwise
 * a broker of their own, without a disk, that ends with them.
 */
export async function brokerUnderTest(): Promise<string> {
  const url = process.env["LEVERET_CONFORMANCE_URL"];
  if (url !== undefined) return url;
  const broker = await BrokerProcess.start("--memory");
  after(() => broker.stop());
  return broker.url;
}
