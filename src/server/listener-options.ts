import * as v from "valibot";
import { isNetwork } from "../transport/address-list.ts";
import { isOrigin } from "../transport/origins.ts";
import {
  flag,
  integer,
  MEBIBYTE,
  mappingList,
  NOTHING,
  oneOf,
  optionalPort,
  someOf,
  text,
  textList,
} from "./option-types.ts";

/** What may be spoken on a listener: AMQP 0-9-1, AMQP 1.0, and WebSockets with either in them. */
export const PROTOCOLS = ["amqp", "amqp1", "websocket"] as const;

/** Whether TLS may be spoken on a listener, if there is a certificate. */
export const TLS_MODES = ["off", "optional", "required"] as const;

/** Permissions of a Unix socket unless told: its user and group may connect. */
export const DEFAULT_SOCKET_MODE = "660";

const THIS_MACHINE = ["127.0.0.0/8", "::1"];

const PORT = "an integer from 0 to 65535";
const TEXT = "text that is not empty";
const MODE = 'octal digits in quotes, such as "660"';

const oneProtocol = v.picklist(PROTOCOLS, `one of ${PROTOCOLS.join(", ")}`);

/** An entry of the option `listeners`. */
const listenerKeys = {
  port: v.optional(v.pipe(v.number(PORT), v.integer(PORT), v.minValue(0, PORT), v.maxValue(65_535, PORT))),
  bind: v.optional(v.pipe(v.string(TEXT), v.nonEmpty(TEXT))),
  path: v.optional(v.pipe(v.string(TEXT), v.nonEmpty(TEXT))),
  mode: v.optional(v.pipe(v.string(MODE), v.regex(/^0?[0-7]{3}$/, MODE))),
  protocols: v.optional(
    v.pipe(v.array(oneProtocol, `a list of ${PROTOCOLS.join(", ")}`), v.nonEmpty(`a list of ${PROTOCOLS.join(", ")}`)),
  ),
  tls: v.optional(v.picklist(TLS_MODES, `one of ${TLS_MODES.join(", ")}`)),
  proxyProtocol: v.optional(v.boolean("true or false")),
};

/** Where clients connect, and what they may speak there. */
export const listenerEntries = {
  bind: text("127.0.0.1", "IP address or host name to listen on; 0.0.0.0 or :: for all"),
  port: integer(0, 65_535, 5672, "TCP port on which everything in protocols is spoken; 0: any free port"),
  protocols: someOf(
    PROTOCOLS,
    PROTOCOLS,
    "What is spoken on port: AMQP 0-9-1, AMQP 1.0, and either of them over a WebSocket",
  ),
  tls: oneOf(TLS_MODES, "optional", "Whether TLS is spoken on port; never without tlsCertificate"),
  proxyProtocol: flag(false, "Every connection to port begins with a PROXY protocol header (version 1 or 2)"),
  tlsPort: optionalPort(NOTHING, "Further TCP port, for TLS only; 5671 is the usual one"),
  httpPort: optionalPort(NOTHING, "Further TCP port, for WebSockets only; 15672 is the usual one"),
  socketPath: text(NOTHING, "Path of a Unix socket to listen on as well; none: no Unix socket"),
  listeners: mappingList("listeners", listenerKeys, "Further listeners"),
  proxyTrusted: textList(
    "IP addresses and networks (10.0.0.0/8)",
    isNetwork,
    THIS_MACHINE,
    "Proxies whose PROXY protocol header is believed; others are dropped where one is expected",
  ),
  websocketOrigins: textList(
    "origins (https://app.example.com), or *",
    isOrigin,
    [],
    "Web pages that may connect over a WebSocket besides those from the same host; *: all",
  ),
  websocketMessageBytesMax: integer(
    4096,
    64 * MEBIBYTE,
    MEBIBYTE,
    "Octets of a WebSocket message from a client; one frame always fits",
  ),
};

export type ListenerOption = v.InferOutput<ReturnType<typeof v.object<typeof listenerKeys>>>;
