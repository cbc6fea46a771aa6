import { tableFrom } from "../../src/wire/field-table.ts";
import { PROTOCOL_HEADER } from "../../src/wire/frame.ts";
import type { MethodArguments } from "../../src/wire/methods.ts";
import type { RawClient } from "./raw-client.ts";

/** Capabilities a full-grown client announces. */
export const ALL_CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  consumer_priorities: true,
  authentication_failure_close: true,
  per_consumer_qos: true,
};

/** The switches of a handshake; what is left out is what an ordinary client would send. */
export interface HandshakeOptions {
  readonly username?: string;
  readonly password?: string;
  /** SASL mechanism, PLAIN unless told. */
  readonly mechanism?: string;
  /** SASL response; the PLAIN response for username and password unless told. */
  readonly response?: Uint8Array;
  readonly locale?: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  /** Sent instead of an ordinary client's properties, capabilities included. */
  readonly clientProperties?: MethodArguments<"connection.start-ok">["clientProperties"];
  /** tune-ok values; the broker's own offer unless told. */
  readonly channelMax?: number;
  readonly frameMax?: number;
  /** Seconds; 0 (no heartbeats) unless told. */
  readonly heartbeat?: number;
  readonly vhost?: string;
}

/** A PLAIN response. */
export function plainResponse(username: string, password: string, authorizationIdentity = ""): Buffer {
  return Buffer.from(`${authorizationIdentity}\0${username}\0${password}`);
}

/** Sends the protocol header and waits for connection.start. */
export async function expectStart(client: RawClient): Promise<MethodArguments<"connection.start">> {
  client.write(PROTOCOL_HEADER);
  return client.expect(0, "connection.start");
}

/** Sends connection.start-ok. */
export function sendStartOk(client: RawClient, options: HandshakeOptions = {}): void {
  const { username = "guest", password = "guest", mechanism = "PLAIN", locale = "en_US" } = options;
  client.send(0, "connection.start-ok", {
    clientProperties: options.clientProperties ?? tableFrom({ capabilities: options.capabilities ?? ALL_CAPABILITIES }),
    mechanism,
    response: Buffer.from(options.response ?? plainResponse(username, password)),
    locale,
  });
}

/** Goes through the handshake up to connection.tune. */
export async function expectTune(
  client: RawClient,
  options: HandshakeOptions = {},
): Promise<MethodArguments<"connection.tune">> {
  await expectStart(client);
  sendStartOk(client, options);
  return client.expect(0, "connection.tune");
}

/** Sends connection.tune-ok with the broker's offer, changed by `options`. */
export function sendTuneOk(
  client: RawClient,
  tune: MethodArguments<"connection.tune">,
  options: HandshakeOptions = {},
): void {
  const { channelMax = tune.channelMax, frameMax = tune.frameMax, heartbeat = 0 } = options;
  client.send(0, "connection.tune-ok", { channelMax, frameMax, heartbeat });
  if (frameMax > 0) client.frameBytesMax = frameMax;
}

/** Goes through the handshake up to the point where connection.open has been sent. */
export async function sendOpen(client: RawClient, options: HandshakeOptions = {}): Promise<void> {
  const tune = await expectTune(client, options);
  sendTuneOk(client, tune, options);
  client.send(0, "connection.open", { virtualHost: options.vhost ?? "/" });
}

/** Goes through the whole handshake. */
export async function handshake(client: RawClient, options: HandshakeOptions = {}): Promise<void> {
  await sendOpen(client, options);
  await client.expect(0, "connection.open-ok");
}
