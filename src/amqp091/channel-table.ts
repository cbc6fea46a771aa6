// Hot file: finds the channel of every frame.

import type { BrokerError } from "../core/errors.ts";
import { WireError } from "../wire/errors.ts";
import { FRAME_METHOD } from "../wire/frame.ts";
import type { FrameReader } from "../wire/frame-reader.ts";
import { METHODS } from "../wire/methods.ts";
import { Channel, type ChannelHost } from "./channel.ts";
import { secondChannelOpen } from "./second-open.ts";

const CHANNEL_OPEN = idOf("channel.open");
const CHANNEL_CLOSE = idOf("channel.close");
const CHANNEL_CLOSE_OK = idOf("channel.close-ok");

/** The channels of a connection: opens and closes them, and hands each its frames. */
export class ChannelTable {
  readonly #host: ChannelHost;
  readonly #channels = new Map<number, Channel>();
  /** The channel of the last frame, when it is open. */
  #last: Channel | undefined;
  /** Most channels open at one time; 0: no limit. */
  channelsMax = 0;

  constructor(host: ChannelHost) {
    this.#host = host;
  }

  [Symbol.iterator](): Iterator<Channel> {
    return this.#channels.values();
  }

  /** Takes a frame on any channel but 0 and returns its open channel; undefined when it has been dealt with here. */
  open(reader: FrameReader): Channel | undefined {
    const last = this.#last;
    if (last !== undefined && last.number === reader.channel) return last;
    return this.#find(reader);
  }

  /** Ends a channel for an error: nothing of it is acted on until the client answers the channel.close. */
  fail(channel: Channel, error: BrokerError): void {
    this.#end(channel);
    channel.send("channel.close", channel.closeArguments(error));
  }

  /** Ends a channel that the client has closed. */
  remove(channel: Channel): void {
    this.#end(channel);
    this.#channels.delete(channel.number);
  }

  /** Ends every channel, without a word to the client. */
  closeAll(): void {
    for (const channel of [...this.#channels.values()]) this.remove(channel);
  }

  /** Lets go of what belongs to a channel in the broker, if that has not happened before. */
  #end(channel: Channel): void {
    if (!channel.closing) this.#host.broker.usage.channelClosed(this.#host.identity.user.name);
    channel.closing = true;
    channel.close();
    if (this.#last === channel) this.#last = undefined;
  }

  #find(reader: FrameReader): Channel | undefined {
    const method = reader.type === FRAME_METHOD ? reader.buffer.readUInt32BE(reader.payloadStart) : 0;
    const channel = this.#channels.get(reader.channel);
    if (method === CHANNEL_OPEN) {
      if (channel !== undefined) throw secondChannelOpen();
      this.#add(reader.channel);
      return undefined;
    }
    if (channel === undefined) {
      throw new WireError("CHANNEL_ERROR", "expected 'channel.open'", method >>> 16, method & 0xffff);
    }
    if (!channel.closing) {
      this.#last = channel;
      return channel;
    }
    if (method === CHANNEL_CLOSE) channel.send("channel.close-ok", {});
    else if (method === CHANNEL_CLOSE_OK) this.remove(channel);
    return undefined;
  }

  #add(number: number): void {
    const open = this.#channels.size;
    if (this.channelsMax !== 0 && open >= this.channelsMax) {
      throw new WireError(
        "NOT_ALLOWED",
        `number of channels opened (${open}) has reached the negotiated channel_max (${this.channelsMax})`,
      );
    }
    this.#host.broker.usage.openChannel(this.#host.identity.user.name);
    const channel = new Channel(number, this.#host);
    this.#channels.set(number, channel);
    this.#last = channel;
    channel.send("channel.open-ok", {});
  }
}

function idOf(name: "channel.open" | "channel.close" | "channel.close-ok"): number {
  return METHODS[name].classId * 0x10000 + METHODS[name].methodId;
}
