// Hot file: runs for every delivery and settlement of a queue with groups.

import { Consumer } from "../consumer.ts";
import type { Holder } from "../consumer-timeouts.ts";
import { GroupOrder } from "./group-order.ts";
import { GroupList, GroupOwner, MessageGroup } from "./message-group.ts";

/** Groups without any messages to keep an eye on that are kept, for the next message of theirs or for other groups. */
export const IDLE_GROUPS_MAX = 1024;

/**
 * The groups of a queue of which messages are with consumers, or wait: who owns each, and of which of them a message can
 * be delivered. Of groups that are in none of these states only a limited number take memory.
 */
export class MessageGroups {
  readonly #byKey = new Map<string, MessageGroup>();
  /** Groups of messages that are delivered and not settled, by sequence number. */
  readonly #unacked = new Map<number, MessageGroup>();
  /** Groups of messages that wait before they are delivered again, by sequence number. */
  readonly #held = new Map<number, MessageGroup>();
  readonly #owners = new Map<Holder, GroupOwner>();
  /** Groups that anybody can have the next message of, the one with the oldest first. */
  readonly #free = new GroupOrder(this, ({ isFree, backlog }) => (isFree ? backlog.first : Number.POSITIVE_INFINITY));
  /** Owners of groups that they can be given the next message of. */
  readonly #awaited = new Set<GroupOwner>();
  /** Those last used at the end. */
  readonly #idle = new GroupList();
  #idleCount = 0;
  /** Messages in the backlogs of all of them. */
  parkedCount = 0;

  get size(): number {
    return this.#byKey.size;
  }

  [Symbol.iterator](): IterableIterator<MessageGroup> {
    return this.#byKey.values();
  }

  /** Groups of which messages are delivered, wait or are held. */
  get busyCount(): number {
    return this.#byKey.size - this.#idleCount;
  }

  /** The group of this key. */
  of(key: string): MessageGroup {
    return this.#byKey.get(key) ?? this.#open(key);
  }

  /** The group that `holder` should have a message of before any is looked at that waits for nothing. */
  firstFor(holder: Holder): MessageGroup | undefined {
    if (this.parkedCount === 0) return undefined;
    const own = this.#owners.get(holder)?.waiting.first;
    const free = this.#free.first;
    if (own === undefined || free === undefined) return own ?? free;
    return own.backlog.first < free.backlog.first ? own : free;
  }

  /** A group of which its owner, a consumer, is ready to take the next message; undefined when there is none. */
  firstForAnyOwner(): MessageGroup | undefined {
    for (const { holder, waiting } of this.#awaited) {
      if (holder instanceof Consumer && holder.ready) return waiting.first;
    }
    return undefined;
  }

  /** Message `sequence` of a group has been delivered to `holder`. */
  delivered(sequence: number, group: MessageGroup, holder: Holder): void {
    this.#own(group, sequence, holder);
    this.#place(group);
  }

  /** The first parked message of a group has been delivered to `holder`; returns its sequence number. */
  deliveredParked(group: MessageGroup, holder: Holder): number {
    const sequence = group.backlog.shift();
    this.parkedCount--;
    this.#own(group, sequence, holder);
    // To the end of its list: all groups in it have their turn.
    this.#unlist(group);
    this.#place(group);
    return sequence;
  }

  /** A message of a group has to wait, behind all that do. */
  park(sequence: number, group: MessageGroup): void {
    group.backlog.park(sequence);
    this.parkedCount++;
    this.#place(group);
  }

  /** Takes the first parked message of a group, which nobody gets. */
  unpark(group: MessageGroup): number {
    const sequence = group.backlog.shift();
    this.parkedCount--;
    this.#place(group);
    return sequence;
  }

  /** A message is settled; true when others can be delivered because of that. */
  settled(sequence: number): boolean {
    const group = this.#release(sequence);
    if (group === undefined) return false;
    this.#place(group);
    return group.isOpen;
  }

  /** A message is ready again; returns its group, undefined when it has none. */
  returned(sequence: number): MessageGroup | undefined {
    const group = this.#release(sequence);
    if (group === undefined) return undefined;
    if (group.unackedCount > 0) group.recalled = true;
    group.backlog.putBack(sequence);
    this.parkedCount++;
    this.#place(group);
    return group;
  }

  /** True for a message that is with a consumer. */
  isUnacked(sequence: number): boolean {
    return this.#unacked.has(sequence);
  }

  /** Message `sequence` of group `key`, undefined when it has none, waits before it is delivered again. */
  held(sequence: number, key: string | undefined): void {
    const group = this.#release(sequence) ?? (key === undefined ? undefined : this.of(key));
    if (group === undefined) return;
    this.#rouse(group);
    this.#held.set(sequence, group);
    group.heldCount++;
    this.#place(group);
  }

  /** A consumer takes nothing any more. Its groups are blocked until it has settled what it has of them. */
  consumerGone(consumer: Consumer): void {
    const owner = this.#owners.get(consumer);
    if (owner === undefined) return;
    owner.gone = true;
    this.#owners.delete(consumer);
    this.#awaited.delete(owner);
  }

  clear(): void {
    this.#byKey.clear();
    this.#unacked.clear();
    this.#held.clear();
    this.#owners.clear();
    this.#awaited.clear();
    this.#free.clear();
    this.#idle.clear();
    this.#idleCount = 0;
    this.parkedCount = 0;
  }

  #open(key: string): MessageGroup {
    const group = this.#idleCount < IDLE_GROUPS_MAX ? new MessageGroup(key) : this.#forgetOldest();
    group.key = key;
    this.#byKey.set(key, group);
    return group;
  }

  /** There is nothing of a group any more. */
  #rest(group: MessageGroup): void {
    this.#idle.push(group);
    this.#idleCount++;
    if (this.#idleCount > IDLE_GROUPS_MAX) this.#forgetOldest();
  }

  #forgetOldest(): MessageGroup {
    const oldest = this.#idle.first as MessageGroup;
    this.#rouse(oldest);
    this.#byKey.delete(oldest.key);
    return oldest;
  }

  /** There is something of an idle group again. */
  #rouse(group: MessageGroup): void {
    if (group.list !== this.#idle) return;
    this.#idle.remove(group);
    this.#idleCount--;
  }

  #own(group: MessageGroup, sequence: number, holder: Holder): void {
    this.#rouse(group);
    this.#unacked.set(sequence, group);
    if (group.unackedCount++ > 0) return;
    group.owner = this.#ownerOf(holder);
    group.owner.groupCount++;
  }

  #ownerOf(holder: Holder): GroupOwner {
    let owner = this.#owners.get(holder);
    if (owner === undefined) {
      owner = new GroupOwner(holder);
      this.#owners.set(holder, owner);
    }
    return owner;
  }

  /** A message is no longer with its consumer, or need not be kept back; returns its group. */
  #release(sequence: number): MessageGroup | undefined {
    const group = this.#unacked.get(sequence);
    if (group === undefined) return this.#held.size === 0 ? undefined : this.#releaseHeld(sequence);
    this.#unacked.delete(sequence);
    if (--group.unackedCount === 0) this.#disown(group);
    return group;
  }

  #releaseHeld(sequence: number): MessageGroup | undefined {
    const group = this.#held.get(sequence);
    if (group === undefined) return undefined;
    this.#held.delete(sequence);
    group.heldCount--;
    return group;
  }

  #disown(group: MessageGroup): void {
    const owner = group.owner as GroupOwner;
    this.#unlist(group);
    group.owner = undefined;
    group.recalled = false;
    owner.groupCount--;
    // A consumer says when it goes; whoever called basic.get does not.
    if (owner.groupCount === 0 && !(owner.holder instanceof Consumer)) this.#owners.delete(owner.holder);
  }

  /** Puts a group where it belongs now. */
  #place(group: MessageGroup): void {
    if (group.isIdle) {
      this.#rest(group);
      return;
    }
    const { owner } = group;
    if (group.isFree) this.#free.changed(group);
    const isAwaited = group.isOpen && owner !== undefined && !owner.gone;
    if (isAwaited === (group.list !== undefined)) return;
    if (!isAwaited) {
      this.#unlist(group);
      return;
    }
    owner.waiting.push(group);
    this.#awaited.add(owner);
  }

  /** Takes a group out of the list of its owner. */
  #unlist(group: MessageGroup): void {
    const { list, owner } = group;
    if (list === undefined || owner === undefined) return;
    list.remove(group);
    if (list.first === undefined) this.#awaited.delete(owner);
  }
}
