import type { ListenEndpoint } from "../transport/socket-listener.ts";
import { ConfigError } from "./config.ts";
import { DEFAULT_SOCKET_MODE, type ListenerOption, PROTOCOLS, type TLS_MODES } from "./listener-options.ts";
import { NOTHING } from "./option-types.ts";
import type { ServerConfig } from "./options.ts";

export type Protocol = (typeof PROTOCOLS)[number];

/** A listener as the configuration wants it. */
export interface ListenerSettings {
  /** The option that asks for it, e.g. `tlsPort` or `listeners[1]`. */
  readonly option: string;
  readonly endpoint: ListenEndpoint;
  readonly protocols: readonly Protocol[];
  /** "off" without a certificate. */
  readonly tls: (typeof TLS_MODES)[number];
  readonly proxyProtocol: boolean;
}

/** Every listener a configuration asks for, that of `port` first. @throws ConfigError for those that make no sense */
export function listenerSettings(config: ServerConfig): ListenerSettings[] {
  const { bind, tlsPort, httpPort, socketPath } = config;
  const problems: string[] = [];
  const settings: ListenerSettings[] = [
    {
      option: "port",
      endpoint: { host: bind, port: config.port },
      protocols: config.protocols,
      tls: config.tls,
      proxyProtocol: config.proxyProtocol,
    },
  ];
  if (tlsPort !== NOTHING) settings.push(simple("tlsPort", { port: tlsPort, tls: "required" }, bind));
  if (httpPort !== NOTHING) settings.push(simple("httpPort", { port: httpPort, protocols: ["websocket"] }, bind));
  if (socketPath !== NOTHING) settings.push(simple("socketPath", { path: socketPath }, bind));
  for (const [index, listener] of config.listeners.entries()) {
    const option = `listeners[${index}]`;
    const problem = contradiction(listener);
    if (problem === undefined) settings.push(simple(option, listener, bind));
    else problems.push(`${option} ${problem}`);
  }
  const hasCertificate = config.tlsCertificate !== NOTHING;
  for (const { option, tls } of settings) {
    if (tls === "required" && !hasCertificate)
      problems.push(`${option} requires TLS, but tlsCertificate names no file`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return hasCertificate ? settings : settings.map((each) => ({ ...each, tls: "off" }));
}

function contradiction({ port, path, bind, mode }: ListenerOption): string | undefined {
  if (port === undefined && path === undefined) return "has neither a port nor a path; it must have one of them";
  if (port !== undefined && path !== undefined) return "has a port and a path; it must have only one of them";
  if (path !== undefined && bind !== undefined) return "has a path, and so no bind";
  if (port !== undefined && mode !== undefined) return "has a port, and so no mode";
  return undefined;
}

function simple(option: string, listener: ListenerOption, defaultBind: string): ListenerSettings {
  const { port, bind, path, mode, protocols = PROTOCOLS, tls = "optional", proxyProtocol = false } = listener;
  const endpoint =
    path === undefined
      ? { host: bind ?? defaultBind, port: port as number }
      : { path, mode: Number.parseInt(mode ?? DEFAULT_SOCKET_MODE, 8) };
  return { option, endpoint, protocols, tls, proxyProtocol };
}
