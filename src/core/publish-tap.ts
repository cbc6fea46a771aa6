import type { Destination } from "./destination.ts";
import type { Message } from "./message.ts";

/** What a publish came from, as a {@link PublishTap} is told. */
export interface PublishOrigin {
  readonly vhost: { readonly name: string };
  readonly userName: string;
}

/**
 * Stands between the routing of a publish and its destinations, for a program that embeds the broker: it sees every
 * publish and may change where it goes. A broker without one pays nothing but the look.
 */
export interface PublishTap {
  /** Returns the destinations to use. `message` and `destinations` are valid during the call only. */
  routed(message: Message, destinations: readonly Destination[], origin: PublishOrigin): readonly Destination[];
}
