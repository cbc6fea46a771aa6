/** More entries than twice the groups there are, and these, are not worth keeping. */
const STALE_ENTRIES_MAX = 64;

/** A set of groups, some of which are to be had in order. */
export interface OrderedSet<Group> extends Iterable<Group> {
  readonly size: number;
}

/**
 * Finds the group with the lowest number. Numbers change: an entry that is out of date stays until it comes first, and
 * all are made anew, the next time somebody asks, when too many are. So nobody pays for an order that nobody asks for.
 */
export class GroupOrder<Group> {
  readonly #groups: OrderedSet<Group>;
  readonly #numberOf: (group: Group) => number;
  /** A binary heap: the numbers, and the group that each is of. */
  #numbers: number[] = [];
  #ordered: Group[] = [];
  #kept = false;

  /** @param numberOf what a group is found by; Infinity: not at all */
  constructor(groups: OrderedSet<Group>, numberOf: (group: Group) => number) {
    this.#groups = groups;
    this.#numberOf = numberOf;
  }

  /** The group with the lowest number; undefined when none has one. */
  get first(): Group | undefined {
    if (!this.#kept) this.#build();
    while (this.#ordered.length > 0) {
      const group = this.#ordered[0] as Group;
      if (this.#numberOf(group) === this.#numbers[0]) return group;
      this.#removeFirst();
    }
    return undefined;
  }

  /** The number of a group is another one now. */
  changed(group: Group): void {
    if (!this.#kept) return;
    const number = this.#numberOf(group);
    if (number === Number.POSITIVE_INFINITY) return;
    if (this.#ordered.length > 2 * this.#groups.size + STALE_ENTRIES_MAX) this.clear();
    else this.#add(number, group);
  }

  clear(): void {
    this.#numbers = [];
    this.#ordered = [];
    this.#kept = false;
  }

  #build(): void {
    this.#kept = true;
    for (const group of this.#groups) {
      const number = this.#numberOf(group);
      if (number !== Number.POSITIVE_INFINITY) this.#add(number, group);
    }
  }

  #add(number: number, group: Group): void {
    let index = this.#ordered.length;
    this.#numbers.push(number);
    this.#ordered.push(group);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if ((this.#numbers[parent] as number) <= number) break;
      this.#move(parent, index);
      index = parent;
    }
    this.#numbers[index] = number;
    this.#ordered[index] = group;
  }

  #removeFirst(): void {
    const number = this.#numbers.pop() as number;
    const group = this.#ordered.pop() as Group;
    const numbers = this.#numbers;
    if (numbers.length === 0) return;
    let index = 0;
    for (let child = 1; child < numbers.length; child = 2 * index + 1) {
      if (child + 1 < numbers.length && (numbers[child + 1] as number) < (numbers[child] as number)) child++;
      if ((numbers[child] as number) >= number) break;
      this.#move(child, index);
      index = child;
    }
    numbers[index] = number;
    this.#ordered[index] = group;
  }

  #move(from: number, to: number): void {
    this.#numbers[to] = this.#numbers[from] as number;
    this.#ordered[to] = this.#ordered[from] as Group;
  }
}
