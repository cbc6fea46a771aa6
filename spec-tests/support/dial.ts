import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A connected socket that is destroyed when the test ends. Whatever becomes of it is no error. */
export async function dial(context: TestContext, where: NetConnectOpts): Promise<Socket> {
  const socket = connect(where);
  context.after(() => socket.destroy());
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** Everything a stream brings until it ends or closes. */
export async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => stream.once("end", resolve).once("close", resolve));
  return Buffer.concat(chunks);
}
