import { FRAME_BODY, FRAME_HEADER } from "../wire/frame.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { ConnectionLostError } from "./errors.ts";
import { type ContentMethod, ReceivedMessage } from "./message.ts";

const NO_OCTETS = Buffer.alloc(0);

/** Where the body size is in the payload of a content header. */
const BODY_SIZE_OFFSET = 4;

/** Puts the contents of one channel together from their frames. */
export class ContentAssembler {
  /** The method whose content is coming; undefined between contents. */
  name: ContentMethod | undefined;
  #args: MethodArguments<ContentMethod> | undefined;
  #header: Buffer | undefined;
  #bodyBytesLeft = 0;
  #bodies: Buffer[] = [];

  /** Starts the content of a method. */
  begin(name: ContentMethod, args: MethodArguments<ContentMethod>): void {
    this.name = name;
    this.#args = args;
  }

  /**
   * Takes the payload of a header or body frame; returns the message that it completes.
   *
   * @throws ConnectionLostError when the frame is out of order
   */
  push(frameType: number, payload: Buffer): ReceivedMessage<ContentMethod> | undefined {
    if (this.name !== undefined && this.#header === undefined && frameType === FRAME_HEADER) {
      this.#header = payload;
      this.#bodyBytesLeft = Number(payload.readBigUInt64BE(BODY_SIZE_OFFSET));
    } else if (this.#header !== undefined && frameType === FRAME_BODY && payload.length <= this.#bodyBytesLeft) {
      this.#bodies.push(payload);
      this.#bodyBytesLeft -= payload.length;
    } else {
      throw new ConnectionLostError(`the broker sent a frame of type ${frameType} out of order`);
    }
    return this.#bodyBytesLeft === 0 ? this.#finish(this.#header) : undefined;
  }

  #finish(header: Buffer): ReceivedMessage<ContentMethod> {
    const bodies = this.#bodies;
    const body = bodies.length === 0 ? NO_OCTETS : bodies.length === 1 ? (bodies[0] as Buffer) : Buffer.concat(bodies);
    const message = new ReceivedMessage(this.#args as MethodArguments<ContentMethod>, header, body);
    this.name = undefined;
    this.#args = undefined;
    this.#header = undefined;
    this.#bodies = [];
    return message;
  }
}
