// Runs the browser tests of @cloudamqp/amqp-client, from its own repository, against a broker of this checkout:
//   node .ci/amqp-client-tests.js [clone or URL of amqp-client.js]
// The project must have been built. It takes git, the network and Chromium (LEVERET_TEST_CHROMIUM names another).
// Exits with 1 when a test fails.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../dist/src/index.js";
import { runProcess } from "./run-process.js";

const SOURCE = process.argv[2] ?? "https://github.com/cloudamqp/amqp-client.js";
const CHROMIUM = process.env.LEVERET_TEST_CHROMIUM ?? "/usr/bin/chromium";

/** Their own, with a browser that is installed already. */
const CONFIG = `
import { playwright } from "@vitest/browser-playwright";
import { mergeConfig } from "vitest/config";
import theirs from "./vitest.config.browser.ts";
const launchOptions = { executablePath: ${JSON.stringify(CHROMIUM)}, args: ["--no-sandbox", "--disable-gpu"] };
export default mergeConfig(theirs, { test: { browser: { headless: true, provider: playwright({ launchOptions }) } } });
`;

const clone = mkdtempSync(join(tmpdir(), "leveret-amqp-client-"));
const broker = await startBroker({ websocketOrigins: ["*"] });
try {
  await run("git", ["clone", "--quiet", "--depth=1", SOURCE, clone]);
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(join(clone, "vitest.leveret.config.ts"), CONFIG);
  await run("npx", ["vitest", "run", "--config", "vitest.leveret.config.ts"]);
} finally {
  await broker.close();
  rmSync(clone, { recursive: true, force: true, maxRetries: 5 });
}

async function run(command, args) {
  const env = {
    ...process.env,
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1",
    VITE_WS_URL: `ws://127.0.0.1:${broker.port}/ws/amqp`,
  };
  const status = await runProcess(command, args, { cwd: clone, env });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}`);
}
