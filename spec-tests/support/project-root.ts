import { createRequire } from "node:module";
import { dirname } from "node:path";

/** The directory that holds package.json, wherever the tests were compiled to. */
export const PROJECT_ROOT = dirname(createRequire(import.meta.url).resolve("leveret/package.json"));
