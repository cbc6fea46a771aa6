// npm start: prepares the clone, then runs the broker in this very process, so that signals reach it directly.
import { fileURLToPath } from "node:url";
import { prepare } from "./prepare.js";

await prepare();
const launcher = new URL("../bin/leveret.js", import.meta.url);
process.argv = [process.execPath, fileURLToPath(launcher), "start", ...process.argv.slice(2)];
await import(launcher);
