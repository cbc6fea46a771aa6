import { isIP } from "node:net";

/** Stands for every origin in a list of allowed ones. */
export const ANY_ORIGIN = "*";

/** What a WebSocket handshake says about the page that has opened it. */
export interface OriginClaim {
  /** The Origin header; only browsers send one. */
  readonly origin: string | undefined;
  /** The Host header: what the browser takes this server for. */
  readonly host: string | undefined;
  /** Whether the connection comes from this machine. */
  readonly loopback: boolean;
}

/** Whether a text is an origin as browsers send it, such as https://example.com or http://localhost:8080, or `*`. */
export function isOrigin(text: string): boolean {
  return text === ANY_ORIGIN || parse(text)?.origin === text.toLowerCase();
}

/**
 * Whether a page may talk to this server: pages of an allowed origin may, and those that come from the very host they
 * connect to. On this machine that host must be an address or localhost: a name can be made to point here by anybody
 * ("DNS rebinding"). A client that sends no Origin is no browser and may.
 */
export function isOriginAllowed({ origin, host, loopback }: OriginClaim, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes(ANY_ORIGIN)) return true;
  const page = parse(origin);
  if (page === undefined) return false;
  if (allowed.some((each) => each.toLowerCase() === page.origin)) return true;
  const own = host === undefined ? undefined : parse(`${page.protocol}//${host}`);
  if (own === undefined || own.host !== page.host) return false;
  return !loopback || isLocalName(own.hostname);
}

function isLocalName(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}

function parse(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === "http:" || url.protocol === "https:" ? url : undefined;
}
