import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { ConfigError, type EmbeddedBroker, startBroker } from "../../src/index.ts";
import { type LogFields, type Logger, silentLogger } from "../../src/lib/logger.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const DEFINITIONS = {
  users: [{ name: "app", password: "secret", tags: "administrator" }],
  vhosts: [{ name: "shop" }],
  permissions: [{ user: "app", vhost: "shop", configure: ".*", write: ".*", read: ".*" }],
  queues: [{ vhost: "shop", name: "orders", durable: true, auto_delete: false, arguments: {} }],
};

/** A file of this content in a directory of its own. */
function fileOf(context: TestContext, content: string | object): string {
  const path = join(temporaryDirectory(context), "definitions.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function urlOf(broker: EmbeddedBroker, credentials: string, vhost: string): string {
  return `amqp://${credentials}@127.0.0.1:${broker.port}/${encodeURIComponent(vhost)}`;
}

/** Asserts that clients may open the virtual host `shop` and that it has the queue `orders`. */
async function checkShop(broker: EmbeddedBroker): Promise<void> {
  const client = await new AMQPClient(urlOf(broker, "app:secret", "shop")).connect();
  const channel = await client.channel();
  await channel.queueDeclare("orders", { passive: true });
  await client.close();
}

test("[definitions/file] is imported into a new broker, which then has no other virtual host or user", async (context) => {
  const broker = await startBroker({ definitions: fileOf(context, DEFINITIONS) });
  try {
    await checkShop(broker);
    assert.equal(broker.url, `amqp://127.0.0.1:${broker.port}`);
    await assert.rejects(new AMQPClient(urlOf(broker, "guest:guest", "/")).connect());
  } finally {
    await broker.close();
  }
});

test("[definitions/file] is imported at every start, beside what the broker holds", async (context) => {
  const dataDir = temporaryDirectory(context);
  const first = await startBroker({ dataDir });
  await first.close();
  for (let start = 0; start < 2; start++) {
    const broker = await startBroker({ dataDir, definitions: fileOf(context, DEFINITIONS) });
    try {
      await checkShop(broker);
      const guest = await new AMQPClient(urlOf(broker, "guest:guest", "/")).connect();
      await guest.close();
    } finally {
      await broker.close();
    }
  }
});

test("[docs/policies] the example of a definitions file is one", async (context) => {
  const documentation = readFileSync(join(PROJECT_ROOT, "docs/policies.md"), "utf8");
  const example = /```json\n([^`]*)```/.exec(documentation)?.[1] as string;
  const broker = await startBroker({ definitions: fileOf(context, example) });
  try {
    const client = await new AMQPClient(urlOf(broker, "app:test12", "shop")).connect();
    await client.close();
  } finally {
    await broker.close();
  }
});

test("[definitions/file] a byte order mark in front does not matter", async (context) => {
  const broker = await startBroker({ definitions: fileOf(context, `\ufeff${JSON.stringify(DEFINITIONS)}`) });
  await broker.close();
});

test("[definitions/file] one that differs from what is there is refused, and nothing of it stays", async (context) => {
  const dataDir = temporaryDirectory(context);
  const definitions = fileOf(context, DEFINITIONS);
  await (await startBroker({ dataDir, definitions })).close();
  const changed = JSON.parse(readFileSync(definitions, "utf8"));
  changed.vhosts.push({ name: "other" });
  changed.queues[0].durable = false;
  const file = fileOf(context, changed);
  await assert.rejects(startBroker({ dataDir, definitions: file }), (error: unknown) => {
    assert(error instanceof ConfigError);
    assert.equal(
      error.message,
      `the definitions file ${file} cannot be imported: queues[0] 'orders': inequivalent arg 'durable' for queue ` +
        "'orders' in vhost 'shop': received 'false' but current is 'true'",
    );
    return true;
  });
  const broker = await startBroker({ dataDir });
  try {
    await checkShop(broker);
    await assert.rejects(new AMQPClient(urlOf(broker, "app:secret", "other")).connect(), /vhost other not found/);
  } finally {
    await broker.close();
  }
});

test("[definitions/file] that cannot be read or is not JSON is refused with its name", async (context) => {
  const missing = join(temporaryDirectory(context), "missing.json");
  await assert.rejects(startBroker({ definitions: missing }), {
    name: "ConfigError",
    message: /^the definitions file .*missing\.json cannot be read: ENOENT/,
  });
  await assert.rejects(startBroker({ definitions: fileOf(context, "{") }), {
    name: "ConfigError",
    message: /^the definitions file .*definitions\.json is not JSON: ./,
  });
});

test("[definitions/file] what is ignored is warned of", async (context) => {
  const warnings: unknown[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (message: string, fields?: LogFields) => warnings.push([message, fields]),
  };
  const definitions = fileOf(context, { ...DEFINITIONS, shovels: [] });
  const broker = await startBroker({ definitions, logger });
  await broker.close();
  assert.deepEqual(warnings, [["definition ignored", { file: definitions, what: "'shovels' is not known" }]]);
});
