import { CONTENT_HEADER_BYTES } from "../wire/frame.ts";
import type { MethodArguments, MethodName } from "../wire/methods.ts";
import { decodeProperties, type Properties } from "../wire/properties.ts";

/** Methods that the broker sends with a content behind them. */
export type ContentMethod = "basic.deliver" | "basic.get-ok" | "basic.return";

/** A message from the broker, with the arguments of the method that brought it. */
export class ReceivedMessage<N extends ContentMethod> {
  readonly args: MethodArguments<N>;
  /** Shares memory with the socket's chunks; whoever keeps it for long should copy it. */
  readonly body: Buffer;
  readonly #header: Buffer;

  /** @param header the payload of the content header frame */
  constructor(args: MethodArguments<N>, header: Buffer, body: Buffer) {
    this.args = args;
    this.body = body;
    this.#header = header;
  }

  /** Decoded at every access. @throws WireError for properties that are malformed */
  get properties(): Properties {
    return decodeProperties(this.#header, CONTENT_HEADER_BYTES, this.#header.length);
  }
}

/** A message delivered to a consumer. */
export type Delivery = ReceivedMessage<"basic.deliver">;

/** A message taken with basic.get. */
export type GottenMessage = ReceivedMessage<"basic.get-ok">;

/** A mandatory message that no queue took. */
export type ReturnedMessage = ReceivedMessage<"basic.return">;

/** True for the methods whose content is to follow. */
export function isContentMethod(name: MethodName): name is ContentMethod {
  return name === "basic.deliver" || name === "basic.get-ok" || name === "basic.return";
}
