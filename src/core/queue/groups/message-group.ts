import type { Holder } from "../consumer-timeouts.ts";
import { GroupBacklog } from "./group-backlog.ts";

/** One who has unacknowledged messages of groups: a consumer, or whoever called basic.get. */
export class GroupOwner {
  readonly holder: Holder;
  /** The groups of which it can be given the next message. */
  readonly waiting = new GroupList();
  /** Groups of which it has unacknowledged messages. */
  groupCount = 0;
  /** It takes nothing any more, and only has to settle what it holds. */
  gone = false;

  constructor(holder: Holder) {
    this.holder = holder;
  }
}

/** The messages of one group that are with a consumer, wait for one, or wait for their retry. */
export class MessageGroup {
  key: string;
  /** Who has unacknowledged messages of it; undefined when nobody has. */
  owner: GroupOwner | undefined;
  /** Messages that the owner has not settled. */
  unackedCount = 0;
  /** Messages that have come back and wait before they are delivered again. */
  heldCount = 0;
  /** A message has come back while the owner had others: nothing is delivered until it has settled those too. */
  recalled = false;
  readonly backlog = new GroupBacklog();
  /** When the first message of the backlog expires, in milliseconds since the Unix epoch; Infinity: never, or unknown. */
  firstExpiresAt = Number.POSITIVE_INFINITY;
  /** The list of its owner or that of idle groups, when it is in one, and its neighbours there. */
  list: GroupList | undefined;
  previous: MessageGroup | undefined;
  next: MessageGroup | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** True when messages of it wait that can be delivered, to its owner if it has one. */
  get isOpen(): boolean {
    return this.backlog.size > 0 && this.heldCount === 0 && !this.recalled;
  }

  /** True when messages of it wait that anybody can have. */
  get isFree(): boolean {
    return this.owner === undefined && this.isOpen;
  }

  /** True when there is nothing of it but what nobody has looked at. */
  get isIdle(): boolean {
    return this.unackedCount === 0 && this.heldCount === 0 && this.backlog.size === 0;
  }
}

/** A queue of groups that can leave it from anywhere. */
export class GroupList {
  first: MessageGroup | undefined;
  #last: MessageGroup | undefined;

  /** Adds a group, which is in no list, at the end. */
  push(group: MessageGroup): void {
    group.list = this;
    group.previous = this.#last;
    if (this.#last === undefined) this.first = group;
    else this.#last.next = group;
    this.#last = group;
  }

  remove(group: MessageGroup): void {
    const { previous, next } = group;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    group.list = undefined;
    group.previous = undefined;
    group.next = undefined;
  }

  clear(): void {
    this.first = undefined;
    this.#last = undefined;
  }
}
