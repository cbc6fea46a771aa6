/** Who is at the other end of an accepted stream, as its transport reports it. */
export interface PeerInfo {
  /** IP address of the client. */
  readonly host: string;
  /** Port of the client. */
  readonly port: number;
  /** IP address on which the connection was accepted. */
  readonly localHost: string;
  /** Port on which the connection was accepted. */
  readonly localPort: number;
  /** Whether the client is on this machine; `guest` may log in only then. */
  readonly loopback: boolean;
  /** Whom the client's verified TLS certificate names; SASL EXTERNAL logs in as that user. */
  readonly certificateName?: string;
}

/** Whether an IP address, as node:net reports it, never leaves this machine: 127.0.0.0/8 (also mapped into IPv6) or ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}

/** `host:port`, with an IPv6 address in brackets as URLs write it. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
