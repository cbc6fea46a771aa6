import type { Logger } from "../lib/logger.ts";
import { listenerSettings } from "./listener-settings.ts";
import type { ServerConfig } from "./options.ts";

/** Long enough for the clients that have waited for the broker to be served first. */
const DELAY_MILLISECONDS = 1_000;

// What is loaded for the first client that speaks it, or soon after the start: most brokers meet none.

export const loadAmqp10 = () => import("../amqp10/connection.ts");
export const loadWebSocketDoor = () => import("../transport/websocket-door.ts");

/**
 * Loads soon what serves the protocols of a configuration, clients or not. It is for a process that runs for long: a
 * file that cannot be opened while clients hold all the file descriptors there are is one that Node never tries again.
 */
export function loadLateModulesSoon(config: ServerConfig, logger: Logger): void {
  const loads = neededLoads(config);
  setTimeout(() => {
    Promise.all(loads.map((load) => load())).then(
      () => logger.debug("every protocol is loaded"),
      (error: unknown) => logger.error("what serves a protocol cannot be loaded", { error }),
    );
  }, DELAY_MILLISECONDS).unref();
}

function neededLoads(config: ServerConfig): (() => Promise<unknown>)[] {
  const listeners = listenerSettings(config).map(({ protocols }) => protocols);
  const isWebSocket = listeners.some((protocols) => protocols.includes("websocket"));
  // Where only WebSockets are spoken, both versions of AMQP are spoken inside.
  const isAmqp10 = listeners.some((protocols) => protocols.includes("amqp1") || !protocols.includes("amqp"));
  return [...(isAmqp10 ? [loadAmqp10] : []), ...(isWebSocket ? [loadWebSocketDoor] : [])];
}
