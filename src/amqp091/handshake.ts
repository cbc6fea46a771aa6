import { mechanismsFor } from "../core/auth/sasl.ts";
import type { User } from "../core/auth/user.ts";
import type { Broker } from "../core/broker.ts";
import { BrokerError } from "../core/errors.ts";
import type { Vhost } from "../core/vhost.ts";
import type { LogFields } from "../lib/logger.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import { WireError } from "../wire/errors.ts";
import type { FieldTable } from "../wire/field-table.ts";
import { FRAME_MIN_BYTES, PROTOCOL_HEADER } from "../wire/frame.ts";
import type { FrameReader } from "../wire/frame-reader.ts";
import { decodeArguments } from "../wire/method-codec.ts";
import { type MethodArguments, type MethodName, methodById } from "../wire/methods.ts";
import { serverProperties } from "./server-properties.ts";

/** The header of AMQP 0-9, which RabbitMQ takes for 0-9-1. */
const LEGACY_HEADER = Buffer.from("AMQP\x01\x01\x00\x09", "latin1");

/** The limits both sides have agreed on. */
export interface Negotiated {
  /** 0: no limit. */
  readonly channelsMax: number;
  /** 0: no limit. */
  readonly frameBytesMax: number;
  /** 0: no heartbeats. */
  readonly heartbeatSeconds: number;
}

/** What the client said it can do. */
export interface ClientCapabilities {
  readonly consumerCancelNotify: boolean;
  readonly connectionBlocked: boolean;
}

/** A connection as its handshake sees it. */
export interface HandshakeHost {
  readonly broker: Broker;
  readonly peer: PeerInfo;
  readonly logFields: LogFields;
  /** Sends a method on channel 0. */
  send<N extends MethodName>(name: N, args: MethodArguments<N>): void;
  /** The client does not open with a protocol header we know: it is sent the one we speak, and the stream ends. */
  refuseProtocol(): void;
  /** The client has sent connection.close. */
  closeByClient(): void;
  closeWith(error: BrokerError, classId: number, methodId: number): void;
  capabilitiesAnnounced(capabilities: ClientCapabilities): void;
  negotiated(limits: Negotiated): void;
  /** connection.open has succeeded. */
  opened(user: User, vhost: Vhost): void;
}

type Step = "start-ok" | "tune-ok" | "open" | "refused";

/** Everything from the protocol header to connection.open-ok. AMQP 0-9-1 section 2.2.4; RabbitMQ where it differs. */
export class Handshake {
  readonly #connection: HandshakeHost;
  #header: Buffer = Buffer.alloc(0);
  #step: Step = "start-ok";
  #user: User | undefined;
  headerTaken = false;

  constructor(connection: HandshakeHost) {
    this.#connection = connection;
  }

  /**
   * Takes octets of the protocol header. Returns what follows it once it is complete; undefined before, and when it
   * is not one of ours: then the client is told which is, and the connection ends.
   */
  takeHeader(octets: Buffer): Buffer | undefined {
    const header = this.#header.length === 0 ? octets : Buffer.concat([this.#header, octets]);
    const shared = Math.min(header.length, PROTOCOL_HEADER.length);
    const start = header.subarray(0, shared);
    if (!start.equals(PROTOCOL_HEADER.subarray(0, shared)) && !start.equals(LEGACY_HEADER.subarray(0, shared))) {
      this.#connection.refuseProtocol();
      return undefined;
    }
    if (header.length < PROTOCOL_HEADER.length) {
      this.#header = header;
      return undefined;
    }
    this.headerTaken = true;
    const { broker, peer } = this.#connection;
    const mechanisms = mechanismsFor(peer, broker.mechanisms);
    this.#connection.send("connection.start", {
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: serverProperties(broker.identity),
      mechanisms: Buffer.from(mechanisms.map((mechanism) => mechanism.name).join(" ")),
      locales: Buffer.from("en_US"),
    });
    return header.subarray(PROTOCOL_HEADER.length);
  }

  /**
   * Takes a method on channel 0.
   *
   * @throws WireError, or BrokerError for a refusal
   */
  takeMethod(reader: FrameReader): void {
    const { buffer, payloadStart, payloadEnd } = reader;
    const classId = buffer.readUInt16BE(payloadStart);
    const methodId = buffer.readUInt16BE(payloadStart + 2);
    const spec = methodById(classId, methodId);
    const decode = <N extends MethodName>(): MethodArguments<N> =>
      decodeArguments(
        spec as NonNullable<typeof spec>,
        buffer,
        payloadStart + 4,
        payloadEnd,
        this.#connection.broker.tableLimits,
      ) as MethodArguments<N>;
    if (this.#step === "refused") return;
    try {
      if (spec?.name === "connection.close") {
        decode<"connection.close">();
        this.#connection.closeByClient();
      } else if (spec?.name === `connection.${this.#step}`) {
        if (this.#step === "start-ok") this.#startOk(decode<"connection.start-ok">());
        else if (this.#step === "tune-ok") this.#tuneOk(decode<"connection.tune-ok">());
        else this.#open(decode<"connection.open">());
      } else {
        throw new BrokerError("CHANNEL_ERROR", `unexpected method in connection state ${this.#stateName()}`);
      }
    } catch (error) {
      if (error instanceof BrokerError) throw new WireError(error.replyName, error.message, classId, methodId);
      throw error;
    }
  }

  #stateName(): string {
    return this.#step === "start-ok" ? "starting" : this.#step === "tune-ok" ? "tuning" : "opening";
  }

  #startOk({ clientProperties, mechanism, response }: MethodArguments<"connection.start-ok">): void {
    const connection = this.#connection;
    const { broker, peer } = connection;
    connection.capabilitiesAnnounced(clientCapabilities(clientProperties));
    const sasl = mechanismsFor(peer, broker.mechanisms).find(({ name }) => name === mechanism);
    if (sasl === undefined) {
      throw new BrokerError("COMMAND_INVALID", `unknown authentication mechanism '${mechanism}'`);
    }
    const claim = sasl.decode(response);
    if (claim.kind === "malformed") throw new BrokerError("SYNTAX_ERROR", claim.reason);
    const { user, reason } = broker.users.login(claim, peer.loopback);
    if (user === undefined) {
      broker.logger.warn("login refused", { ...connection.logFields, mechanism, reason });
      this.#refuseLogin(mechanism);
      return;
    }
    this.#user = user;
    const { channelsMax, frameBytesMax, heartbeatSeconds } = broker.limits;
    connection.send("connection.tune", {
      channelMax: channelsMax,
      frameMax: frameBytesMax,
      heartbeat: heartbeatSeconds,
    });
    this.#step = "tune-ok";
  }

  #refuseLogin(mechanism: string): void {
    const connection = this.#connection;
    const { clock, limits } = connection.broker;
    const refusal = new BrokerError(
      "ACCESS_REFUSED",
      `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`,
    );
    this.#step = "refused";
    if (limits.loginRefusedDelayMilliseconds === 0) connection.closeWith(refusal, 0, 0);
    else clock.after(limits.loginRefusedDelayMilliseconds, () => connection.closeWith(refusal, 0, 0));
  }

  #tuneOk({ channelMax, frameMax, heartbeat }: MethodArguments<"connection.tune-ok">): void {
    const { channelsMax, frameBytesMax } = this.#connection.broker.limits;
    if (frameMax !== 0 && frameMax < FRAME_MIN_BYTES) {
      throw negotiationFailed(`frame_max = ${frameMax} is lower than the minimum allowed value (${FRAME_MIN_BYTES})`);
    }
    checkOffer("frame_max", frameMax, frameBytesMax);
    checkOffer("channel_max", channelMax, channelsMax);
    this.#connection.negotiated({
      channelsMax: channelMax,
      frameBytesMax: frameMax,
      heartbeatSeconds: heartbeat,
    });
    this.#step = "open";
  }

  #open({ virtualHost }: MethodArguments<"connection.open">): void {
    const connection = this.#connection;
    const { broker } = connection;
    const user = this.#user as User;
    if (broker.connectionCount > broker.limits.connectionsMax) {
      throw new BrokerError(
        "NOT_ALLOWED",
        `connection refused: node connection limit (${broker.limits.connectionsMax}) is reached`,
      );
    }
    const vhost = broker.findVhost(virtualHost);
    if (vhost === undefined) throw new BrokerError("NOT_ALLOWED", `vhost ${virtualHost} not found`);
    broker.usage.checkConnection(user.name, virtualHost);
    broker.permissions.checkVhostAccess(user.name, virtualHost);
    connection.opened(user, vhost);
    connection.send("connection.open-ok", {});
  }
}

function clientCapabilities(clientProperties: FieldTable): ClientCapabilities {
  const value = clientProperties.get("capabilities");
  const capabilities = value?.type === "table" ? value.value : undefined;
  const has = (name: string): boolean => capabilities?.get(name)?.value === true;
  return {
    consumerCancelNotify: has("consumer_cancel_notify"),
    connectionBlocked: has("connection.blocked"),
  };
}

/** A client may lower what the server offers; 0 means no limit, and is lower than nothing. */
function checkOffer(name: string, value: number, offered: number): void {
  if (offered === 0) return;
  if (value > offered) {
    throw negotiationFailed(`${name} = ${value} is higher than the maximum allowed value (${offered})`);
  }
  if (value === 0) {
    throw negotiationFailed(`${name} = 0 (no limit) is higher than the maximum allowed value (${offered})`);
  }
}

function negotiationFailed(reason: string): BrokerError {
  return new BrokerError("NOT_ALLOWED", `failed to negotiate connection parameters: negotiated ${reason}`);
}
