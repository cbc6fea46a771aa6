import { BrokerError } from "../core/errors.ts";
import { WireError } from "../wire/errors.ts";
import type { FrameReader } from "../wire/frame-reader.ts";
import { decodeArguments } from "../wire/method-codec.ts";
import { type MethodArguments, type MethodName, methodById } from "../wire/methods.ts";

/** A connection as the methods on channel 0 see it. */
export interface ConnectionMethodsHost {
  /** True after the server has sent connection.close. */
  readonly closing: boolean;
  /** The client has sent connection.close. */
  closeByClient(): void;
  /** The client has answered connection.close. */
  closeAnswered(): void;
  /** The client has renewed its secret: what it may do is looked at anew. @throws BrokerError NOT_ALLOWED for the virtual host */
  recheckAccess(): void;
  /** Sends a method on channel 0. */
  send<N extends MethodName>(name: N, args: MethodArguments<N>): void;
}

/** The methods of channel 0 on an open or closing connection. */
export class ConnectionMethods {
  readonly #connection: ConnectionMethodsHost;

  constructor(connection: ConnectionMethodsHost) {
    this.#connection = connection;
  }

  /** @throws WireError for a method that does not belong here */
  takeMethod(reader: FrameReader): void {
    const { buffer, payloadStart, payloadEnd } = reader;
    const classId = buffer.readUInt16BE(payloadStart);
    const methodId = buffer.readUInt16BE(payloadStart + 2);
    const spec = methodById(classId, methodId);
    if (spec === undefined) {
      if (this.#connection.closing) return;
      throw new WireError("COMMAND_INVALID", `unknown method ${classId}.${methodId}`, classId, methodId);
    }
    switch (spec.name) {
      case "connection.close":
        decodeArguments(spec, buffer, payloadStart + 4, payloadEnd);
        this.#connection.closeByClient();
        return;
      case "connection.close-ok":
        if (this.#connection.closing) {
          this.#connection.closeAnswered();
          return;
        }
        break;
      case "connection.update-secret":
        if (this.#connection.closing) return;
        decodeArguments(spec, buffer, payloadStart + 4, payloadEnd);
        this.#updateSecret(classId, methodId);
        return;
    }
    if (this.#connection.closing) return;
    throw new WireError("CHANNEL_ERROR", "unexpected method in connection state running", classId, methodId);
  }

  /** The password of a user the broker knows itself does not expire, so that none is compared. RabbitMQ's behaviour. */
  #updateSecret(classId: number, methodId: number): void {
    try {
      this.#connection.recheckAccess();
    } catch (error) {
      if (error instanceof BrokerError) throw new WireError(error.replyName, error.message, classId, methodId);
      throw error;
    }
    this.#connection.send("connection.update-secret-ok", {});
  }
}
