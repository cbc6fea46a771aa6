import type { Message } from "../../message.ts";
import type { LogHead } from "../queue-log.ts";
import type { GroupOrder } from "./group-order.ts";
import type { MessageGroup } from "./message-group.ts";

/** A log, as far as messages wait in it for their group. */
export interface ParkingLog {
  read(sequence: number, message: Message): void;
  /** The first waiting message of `group`, whose body has `bodyBytes` octets, is taken out; returns its sequence number. */
  takeParked(group: MessageGroup, bodyBytes: number): number;
}

/** The first of the messages that wait for their group, in some order of the groups. */
export class ParkedHead implements LogHead {
  readonly #log: ParkingLog;
  readonly #order: GroupOrder<MessageGroup>;
  #peeked: MessageGroup | undefined;

  constructor(log: ParkingLog, order: GroupOrder<MessageGroup>) {
    this.#log = log;
    this.#order = order;
  }

  get peekedSequence(): number {
    return this.#peeked?.backlog.first ?? -1;
  }

  peek(message: Message): boolean {
    this.#peeked = this.#order.first;
    if (this.#peeked === undefined) return false;
    this.#log.read(this.#peeked.backlog.first, message);
    return true;
  }

  take(message: Message): number {
    const group = this.#peeked as MessageGroup;
    this.#peeked = undefined;
    return this.#log.takeParked(group, message.bodyBytes);
  }
}
