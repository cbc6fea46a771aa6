import type { Message } from "./message.ts";
import type { Receipt } from "./receipt.ts";

/** Where an exchange can send a message. The core's queues implement it; an exchange never sees more of them. */
export interface Destination {
  readonly name: string;
  /** What it hands messages on to at once; undefined: it keeps them itself. */
  readonly parts?: readonly Destination[];
  /** Takes a message without answering; `receipt`, if there is one, learns once what became of it. */
  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void;
  /** Whether it would refuse the last of `count` further messages with bodies of `bodyBytes` in all. */
  refuses(count: number, bodyBytes: number): boolean;
}
