import type { FieldTable, PlainFieldValue } from "../wire/field-table.ts";
import { tableFrom } from "../wire/field-table.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { ConnectionLostError } from "./errors.ts";

/** How a client introduces itself; what is left out is what most brokers expect. */
export interface ClientOptions {
  /** "guest" unless told. */
  readonly username?: string;
  /** "guest" unless told. */
  readonly password?: string;
  /** "/" unless told. */
  readonly vhost?: string;
  /** Largest frame, in octets; the broker's offer unless told, and never more than that. */
  readonly frameBytesMax?: number;
  /** Heartbeat interval; the broker's offer unless told; 0: none. */
  readonly heartbeatSeconds?: number;
  /** Added to the client properties, e.g. `connection_name`. */
  readonly clientProperties?: Readonly<Record<string, PlainFieldValue>>;
}

/** Frames that a broker without a limit of its own is asked for. */
const FRAME_BYTES_MAX = 131_072;

const CHANNELS_MAX = 65_535;

const CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  authentication_failure_close: true,
};

/** The answer to connection.start. @throws ConnectionLostError when the broker does not offer the mechanism PLAIN */
export function startOk(
  start: MethodArguments<"connection.start">,
  options: ClientOptions,
): MethodArguments<"connection.start-ok"> {
  const { username = "guest", password = "guest", clientProperties } = options;
  const mechanism = "PLAIN";
  if (!start.mechanisms.toString().split(" ").includes(mechanism)) {
    throw new ConnectionLostError(`the broker offers no mechanism ${mechanism}, only ${start.mechanisms}`);
  }
  const properties: FieldTable = tableFrom({
    product: "Leveret client",
    capabilities: CAPABILITIES,
    ...clientProperties,
  });
  const response = Buffer.from(`\0${username}\0${password}`);
  return { clientProperties: properties, mechanism, response, locale: "en_US" };
}

/** The answer to connection.tune: the broker's offer, lowered to the options; "no limit" becomes a limit of our own. */
export function tuneOk(
  tune: MethodArguments<"connection.tune">,
  options: ClientOptions,
): MethodArguments<"connection.tune-ok"> {
  return {
    channelMax: tune.channelMax === 0 ? CHANNELS_MAX : tune.channelMax,
    frameMax: lower(tune.frameMax, options.frameBytesMax ?? 0) || FRAME_BYTES_MAX,
    heartbeat: options.heartbeatSeconds ?? tune.heartbeat,
  };
}

/** The lower of two limits of which 0 means none. */
function lower(one: number, other: number): number {
  if (one === 0 || other === 0) return Math.max(one, other);
  return Math.min(one, other);
}
