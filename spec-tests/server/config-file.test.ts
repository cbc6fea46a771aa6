import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConfigError, resolveConfig } from "../../src/server/config.ts";
import { readConfigFile } from "../../src/server/config-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("[config/file] YAML and JSON say the same", async (context) => {
  for (const text of [
    "# ports\nport: 5673\nbind: '::1'\nmemory: true\n",
    '{"port": 5673, "bind": "::1", "memory": true}',
  ]) {
    const config = resolveConfig([await readConfigFile(fileWith(context, text))]);
    assert.deepEqual([config.port, config.bind, config.memory], [5673, "::1", true]);
  }
});

test("[config/file] an empty file sets nothing", async (context) => {
  assert.equal(resolveConfig([await readConfigFile(fileWith(context, "# nothing\n"))]).port, 5672);
});

test("[config/file] what is no mapping, no YAML, twice the same key or not there is refused", async (context) => {
  await assertRefused(fileWith(context, "- port\n"), /must hold a mapping/);
  await assertRefused(fileWith(context, "port: [1\n"), /is not valid YAML or JSON/);
  await assertRefused(fileWith(context, "port: 1\nport: 2\n"), /is not valid YAML or JSON: Map keys must be unique/);
  await assertRefused(join(temporaryDirectory(context), "absent.yaml"), /cannot be read: ENOENT/);
});

test("[config/file] problems name the file", async (context) => {
  const path = fileWith(context, "prot: 1\n");
  const source = await readConfigFile(path);
  assert.throws(() => resolveConfig([source]), {
    message: `prot in ${path} is not an option; did you mean port in ${path}?`,
  });
});

function fileWith(context: TestContext, text: string): string {
  const path = join(temporaryDirectory(context), "leveret.yaml");
  writeFileSync(path, text);
  return path;
}

async function assertRefused(path: string, message: RegExp): Promise<void> {
  await assert.rejects(readConfigFile(path), (error) => error instanceof ConfigError && message.test(error.message));
}
