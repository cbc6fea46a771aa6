import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";

/**
 * Makes a path free for a Unix socket: a socket file that no process listens on, left behind by one that was killed, is
 * removed. Rejects with a system error, `EADDRINUSE` when somebody listens there, `EEXIST` when it is no socket.
 */
export async function clearStaleSocket(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw Object.assign(new Error("there is a file that is no socket"), { code: "EEXIST" });
  if (await isListenedOn(path)) {
    throw Object.assign(new Error("address already in use"), { code: "EADDRINUSE" });
  }
  unlinkSync(path);
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else reject(error);
    });
  });
}
