import type { Channel } from "../../../src/client/channel.ts";
import { withClient } from "../broker-process.ts";

/** Connections that set things up at the same time, so that they share commits. */
const CONNECTIONS = 20;

/** Calls `act` with 0 to `count` - 1, in no particular order, on a few channels. */
export async function inParallel(
  uri: string,
  count: number,
  act: (channel: Channel, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const work = (): Promise<void> =>
    withClient(uri, async (client) => {
      const channel = await client.openChannel();
      while (next < count) await act(channel, next++);
    });
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, count) }, work));
}
