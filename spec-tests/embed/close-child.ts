/** Starts, uses and closes a broker, and prints what is still open afterwards; then it must end by itself. */
import { startBroker } from "../../src/index.ts";

const dataDir = process.argv[2];
const broker = await startBroker(dataDir === undefined ? {} : { dataDir });
const channel = await broker.openChannel();
await channel.declareQueue("q", { durable: true, arguments: { "x-message-ttl": 60_000 } });
await channel.sendToQueue("q", "body", { persistent: true });
await channel.consume("q", () => {});
await broker.close();
// The callback of the system call that ended the closing counts as active while it runs.
await new Promise((resolve) => setImmediate(resolve));
const open = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap" && name !== "Immediate");
process.stdout.write(JSON.stringify(open));
