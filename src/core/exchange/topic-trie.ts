// Hot file: match runs for every message whose route is not cached.
import type { Target } from "./target.ts";
import { TargetCounts } from "./target-counts.ts";
import { ANY_WORDS, ONE_WORD, wordsOf } from "./topic-pattern.ts";

/** The patterns that start with the words on the way from the root to this node. */
class TopicNode {
  /** True when the last word on the way here is '#', which may swallow further words. */
  readonly isAnyWords: boolean;
  literals: Map<string, TopicNode> | undefined = undefined;
  oneWord: TopicNode | undefined = undefined;
  anyWords: TopicNode | undefined = undefined;
  /** Targets of the patterns that end here. */
  targets: TargetCounts | undefined = undefined;
  /** The step of the last match that entered this node. */
  enteredAt = 0;

  constructor(isAnyWords: boolean) {
    this.isAnyWords = isAnyWords;
  }

  child(word: string): TopicNode | undefined {
    if (word === ONE_WORD) return this.oneWord;
    if (word === ANY_WORDS) return this.anyWords;
    return this.literals?.get(word);
  }

  addChild(word: string): TopicNode {
    const node = new TopicNode(word === ANY_WORDS);
    if (word === ONE_WORD) this.oneWord = node;
    else if (word === ANY_WORDS) this.anyWords = node;
    else {
      this.literals ??= new Map();
      this.literals.set(word, node);
    }
    return node;
  }

  removeChild(word: string): void {
    if (word === ONE_WORD) this.oneWord = undefined;
    else if (word === ANY_WORDS) this.anyWords = undefined;
    else if (this.literals !== undefined) {
      this.literals.delete(word);
      if (this.literals.size === 0) this.literals = undefined;
    }
  }

  get isEmpty(): boolean {
    return (
      this.targets === undefined &&
      this.oneWord === undefined &&
      this.anyWords === undefined &&
      this.literals === undefined
    );
  }
}

/**
 * Topic patterns as a trie of words, matched like a nondeterministic automaton: for each word of the key, the set
 * of nodes reached so far becomes the set reached next. A node enters a set once, so patterns with many '#' cost
 * no more than the nodes they reach, times the words of the key; patterns that begin otherwise cost nothing.
 */
export class TopicTrie {
  readonly #root = new TopicNode(false);
  /** Counts every set ever built, so that `enteredAt` never has to be cleared. */
  #step = 0;
  #reached: TopicNode[] = [];
  #next: TopicNode[] = [];

  add(pattern: string, target: Target): void {
    let node = this.#root;
    for (const word of wordsOf(pattern)) node = node.child(word) ?? node.addChild(word);
    node.targets ??= new TargetCounts();
    node.targets.increment(target);
  }

  /** Takes back one {@link add} of the same pattern and target. */
  remove(pattern: string, target: Target): void {
    const words = wordsOf(pattern);
    const path = [this.#root];
    for (const word of words) {
      const child = path.at(-1)!.child(word);
      if (child === undefined) return;
      path.push(child);
    }
    const last = path.at(-1)!;
    last.targets?.decrement(target);
    if (last.targets?.isEmpty === true) last.targets = undefined;
    for (let depth = words.length; depth > 0 && path[depth]!.isEmpty; depth--) {
      path[depth - 1]!.removeChild(words[depth - 1]!);
    }
  }

  /** Adds the targets of every pattern that matches the key to `targets`. */
  match(routingKey: string, targets: Set<Target>): void {
    this.#step++;
    this.#enter(this.#root);
    if (routingKey !== "") {
      let start = 0;
      while (start <= routingKey.length) {
        let end = routingKey.indexOf(".", start);
        if (end === -1) end = routingKey.length;
        this.#advance(routingKey.slice(start, end));
        start = end + 1;
      }
    }
    this.#swap();
    for (let i = 0; i < this.#reached.length; i++) this.#reached[i]!.targets?.addTo(targets);
    this.#reached.length = 0;
  }

  /** Takes the set in `#next` one word further, into a new `#next`. */
  #advance(word: string): void {
    this.#step++;
    this.#swap();
    for (let i = 0; i < this.#reached.length; i++) {
      const node = this.#reached[i]!;
      if (node.isAnyWords) this.#enter(node);
      this.#enter(node.literals?.get(word));
      this.#enter(node.oneWord);
    }
  }

  /** Puts a node into `#next`, and the '#' below it too, as that may stand for no word. */
  #enter(start: TopicNode | undefined): void {
    let node = start;
    while (node !== undefined && node.enteredAt !== this.#step) {
      node.enteredAt = this.#step;
      this.#next.push(node);
      node = node.anyWords;
    }
  }

  #swap(): void {
    const emptied = this.#reached;
    emptied.length = 0;
    this.#reached = this.#next;
    this.#next = emptied;
  }
}
