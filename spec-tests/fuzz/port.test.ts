import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startLeveret } from "../cli/leveret-process.ts";
import { fuzzSettings } from "./environment.ts";
import { FuzzRun } from "./fuzz-run.ts";

const CASES = 60;
const PAUSE_MILLISECONDS = 2;

test("[fuzz] a broker behind a port survives the same and then stops as it should", async (t) => {
  const { seed, first, last } = fuzzSettings(CASES);
  t.diagnostic(`LEVERET_FUZZ_SEED=${seed}`);
  const { leveret, port } = await startLeveret(t, ["--memory"]);
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const run = await FuzzRun.start({
    seed,
    pause: () => sleep(PAUSE_MILLISECONDS),
    connect: async () => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.setNoDelay();
      sockets.push(socket);
      await once(socket, "connect");
      return socket;
    },
  });
  await run.run(first, last);
  await run.stop();
  leveret.signal("SIGTERM");
  assert.equal(await leveret.ended, 0, leveret.stderr);
});
