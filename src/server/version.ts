import { createRequire } from "node:module";

/** Leveret's own version, `major.minor.patch`, as package.json has it. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const metadata: { version: string } = createRequire(import.meta.url)("leveret/package.json");
  return metadata.version;
}
