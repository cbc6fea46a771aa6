import type { User } from "../core/auth/user.ts";
import type { Broker } from "../core/broker.ts";
import type { Vhost } from "../core/vhost.ts";
import type { Fields } from "./codec/fields.ts";
import { PERFORMATIVES } from "./codec/performatives.ts";
import { composite, string, symbolMap, symbols, type Typed, uint, ushort } from "./codec/types.ts";
import { Amqp10Error } from "./error-condition.ts";

const DEFAULT_VHOST = "/";
const VHOST_PREFIX = "vhost:";

/** The smallest max-frame-size there is: part 2.4.1. */
const FRAME_BYTES_MIN = 512;
/** RabbitMQ takes no shorter idle-time-out. */
const IDLE_MILLISECONDS_MIN = 1000;
/**
 * The version of RabbitMQ that clients may take this for: RabbitMQ's own refuse to talk to any below 4.0, use property
 * filters from 4.1 on, and expect from 4.2 on what is not there (SQL filters, volatile queues).
 */
const COMPATIBLE_VERSION = "4.1.0";

const CHANNEL_MAX = 0xffff;
/** Larger frames than this are not made, whatever the client takes. */
const FRAME_BYTES_LIMIT = 1024 * 1024;

/** What a client says in its open. */
export interface ClientOpen {
  readonly containerId: string;
  readonly vhostName: string;
  /** The largest frame it takes. */
  readonly frameBytesMax: number;
  readonly channelMax: number;
  /** It counts us as gone after so long without a frame; 0: never. */
  readonly idleMilliseconds: number;
}

/** @throws Amqp10Error for what RabbitMQ refuses */
export function readOpen(fields: Fields): ClientOpen {
  const hostname = fields.text(1) ?? "";
  const frameBytesMax = fields.number(2) ?? Number.POSITIVE_INFINITY;
  const idleMilliseconds = fields.number(4) ?? 0;
  if (frameBytesMax < FRAME_BYTES_MIN) {
    throw new Amqp10Error(
      "amqp:frame-size-too-small",
      `max_frame_size (${frameBytesMax}) < minimum maximum frame size (${FRAME_BYTES_MIN})`,
    );
  }
  if (idleMilliseconds > 0 && idleMilliseconds < IDLE_MILLISECONDS_MIN) {
    throw new Amqp10Error(
      "amqp:not-allowed",
      `idle-time-out (${idleMilliseconds} ms) < minimum idle-time-out (${IDLE_MILLISECONDS_MIN} ms)`,
    );
  }
  return {
    containerId: fields.text(0) ?? "",
    vhostName: hostname.startsWith(VHOST_PREFIX) ? hostname.slice(VHOST_PREFIX.length) : DEFAULT_VHOST,
    frameBytesMax: Math.min(frameBytesMax, FRAME_BYTES_LIMIT),
    channelMax: fields.number(3, CHANNEL_MAX) ?? CHANNEL_MAX,
    idleMilliseconds,
  };
}

/**
 * The virtual host a client may enter.
 *
 * @throws Amqp10Error, or BrokerError NOT_ALLOWED or ACCESS_REFUSED
 */
export function admit(broker: Broker, user: User, { vhostName }: ClientOpen): Vhost {
  const { connectionsMax } = broker.limits;
  if (broker.connectionCount > connectionsMax) {
    throw new Amqp10Error(
      "amqp:resource-limit-exceeded",
      `connection refused: node connection limit (${connectionsMax}) is reached`,
    );
  }
  const vhost = broker.findVhost(vhostName);
  if (vhost === undefined) {
    throw new Amqp10Error(
      "amqp:unauthorized-access",
      `AMQP 1.0 connection failed: virtual host '${vhostName}' does not exist`,
    );
  }
  broker.permissions.checkVhostAccess(user.name, vhostName);
  broker.usage.checkConnection(user.name, vhostName);
  return vhost;
}

/** The highest channel number a client may use. */
export function channelMaxOf({ limits }: Broker, open: ClientOpen): number {
  return Math.min(limits.sessionsMax - 1, open.channelMax);
}

/** Our open. `channelMax`: what was agreed on. */
export function openFrame({ limits, identity }: Broker, channelMax: number): Typed {
  const idleMilliseconds = limits.heartbeatSeconds * 500;
  return composite(PERFORMATIVES.open, [
    string("leveret"),
    undefined,
    uint(limits.frameBytesMax),
    ushort(channelMax),
    idleMilliseconds === 0 ? undefined : uint(idleMilliseconds),
    undefined,
    undefined,
    symbols(["LINK_PAIR_V1_0", "ANONYMOUS-RELAY", "SHARED-SUBS"]),
    undefined,
    symbolMap([
      ["cluster_name", string("leveret")],
      ["node", string("leveret")],
      ["copyright", string("The Leveret authors")],
      ["information", string("Licensed under the MIT License")],
      ["platform", string(`Node.js ${process.versions.node}`)],
      ["product", string(identity.product)],
      ["version", string(COMPATIBLE_VERSION)],
      ["leveret_version", string(identity.version)],
    ]),
  ]);
}
