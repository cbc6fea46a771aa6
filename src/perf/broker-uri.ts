import { OptionError } from "./perf-error.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "amqp:": 5672, "amqps:": 5671 };

/** Where a broker is and who logs in there. */
export interface BrokerAddress {
  /** TLS. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

/**
 * Reads an `amqp://user:password@host:port/vhost` or `amqps://` URI; guest/guest and the virtual host `/` where it
 * names none. Source: RabbitMQ URI Specification.
 *
 * @throws OptionError for anything else
 */
export function parseBrokerUri(uri: string): BrokerAddress {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  const defaultPort = DEFAULT_PORTS[url?.protocol ?? ""];
  if (url === undefined || defaultPort === undefined || url.hostname === "") {
    throw notBrokerUri(uri);
  }
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw notBrokerUri(uri);
    }
  };
  const path = decode(url.pathname.slice(1));
  return {
    secure: url.protocol === "amqps:",
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? defaultPort : Number(url.port),
    username: url.username === "" ? "guest" : decode(url.username),
    password: url.password === "" ? "guest" : decode(url.password),
    vhost: path === "" ? "/" : path,
  };
}

function notBrokerUri(uri: string): OptionError {
  return new OptionError(`"${uri}" is not a URI like amqp://user:password@host:port/vhost`);
}
