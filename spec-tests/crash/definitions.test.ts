import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { killScript, startScript } from "../support/script-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { crashRandom } from "./kill-round.ts";
import { openBroker, readDefinitions } from "./numbered-definitions.ts";

const KILLS = Number(process.env["LEVERET_CRASH_KILLS"] ?? 4);
const KILL_AFTER_MILLISECONDS_MAX = 120;
const CHILD = fileURLToPath(new URL("./definitions-child.js", import.meta.url));

test("[crash/definitions] after kill -9 policies, limits, users and permissions are whole, and none that was durable is missing", async (t) => {
  const random = crashRandom((seed) => t.diagnostic(seed));
  const directory = temporaryDirectory(t);
  let number = 0;
  for (let round = 0; round < KILLS; round++) {
    const child = startScript(t, CHILD, [directory]);
    let reported = 0;
    createInterface(child.stdout).on("line", (line) => {
      reported = Number(line);
    });
    const ended = once(child, "close").then(() => assert.fail("the child has ended by itself"));
    await Promise.race([once(child.stdout, "data"), ended]);
    ended.catch(() => undefined);
    await sleep(random.integer(0, KILL_AFTER_MILLISECONDS_MAX));
    await killScript(child);
    assert(reported > number, `${reported} was reported after ${number}`);
    const broker = openBroker(directory);
    const numbers = readDefinitions(broker);
    await broker.close();
    number = numbers[0] ?? 0;
    assert(number >= reported, `${reported} was reported, ${number} is there`);
    assert.deepEqual(numbers, Array(numbers.length).fill(number));
  }
  t.diagnostic(`${number} changes, ${KILLS} kills`);
});
