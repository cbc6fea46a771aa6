import { formatEndpoint } from "../lib/peer-info.ts";
import { WEBSOCKET_PATHS } from "../transport/websocket-paths.ts";
import type { ListenerState } from "./listeners.ts";

/**
 * The URLs with which clients on this machine connect to a listener, the plain one first where TLS is optional; the path
 * of a Unix socket, for which there is no URL that all clients know.
 *
 * @param credentials what goes before the host, with its `@`, or nothing
 */
export function listenerUrls({ settings, endpoint }: ListenerState, credentials: string): string[] {
  if ("path" in endpoint) return [endpoint.path];
  const { protocols, tls } = settings;
  const host = formatEndpoint(reachableHost(endpoint.host), endpoint.port);
  const isWebSocket = protocols.every((protocol) => protocol === "websocket");
  const [scheme, rest] = isWebSocket ? ["ws", `${host}${WEBSOCKET_PATHS[0]}`] : ["amqp", `${credentials}${host}`];
  const schemes = { off: [scheme], optional: [scheme, `${scheme}s`], required: [`${scheme}s`] }[tls];
  return schemes.map((each) => `${each}://${rest}`);
}

/** Where a server that listens on every address is reached from its own machine. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
