import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { handshake } from "./handshake.ts";
import { RawClient } from "./raw-client.ts";

/** Longer than a broker under load takes to answer. */
const WAIT_MILLISECONDS = 10_000;

/** A client on a TCP connection to 127.0.0.1, with channel 1 open. */
export async function tcpClient(context: TestContext, port: number): Promise<{ client: RawClient; socket: Socket }> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  context.after(() => socket.destroy());
  const client = new RawClient(socket, WAIT_MILLISECONDS);
  await once(socket, "connect");
  await handshake(client);
  await client.call(1, "channel.open");
  return { client, socket };
}
