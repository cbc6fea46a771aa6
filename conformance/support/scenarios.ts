/** What the tutorials send and expect, for the parts that are the same whichever client sends it. */

/** Tutorial 4: the severities each log queue is bound to, and the lines that are logged, in order. */
export const ROUTING = {
  bindings: { file: ["error"], screen: ["info", "warning", "error"] },
  lines: ["info", "error", "debug", "warning", "error"].map((severity, i) => ({ severity, text: `${severity} ${i}` })),
  received: { file: ["error 1", "error 4"], screen: ["info 0", "error 1", "warning 3", "error 4"] },
};

/** Tutorial 5: the animals; routing keys are `<celerity>.<colour>.<species>`. The last key reaches both queues. */
export const TOPICS = {
  bindings: { orange: ["*.orange.*"], lazyOrRabbit: ["*.*.rabbit", "lazy.#"] },
  routingKeys: [
    "quick.orange.rabbit",
    "lazy.orange.elephant",
    "quick.orange.fox",
    "lazy.brown.fox",
    "lazy.pink.rabbit",
    "quick.brown.fox",
    "orange",
    "quick.orange.new.rabbit",
    "lazy.orange.new.rabbit",
    "lazy",
  ],
  received: {
    orange: ["quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox"],
    lazyOrRabbit: [
      "quick.orange.rabbit",
      "lazy.orange.elephant",
      "lazy.brown.fox",
      "lazy.pink.rabbit",
      "lazy.orange.new.rabbit",
      "lazy",
    ],
  },
  last: "lazy.orange.end",
};

/** Tutorial 6: what the server computes. */
export function fibonacci(n: number): number {
  let [current, next] = [0, 1];
  for (let i = 0; i < n; i++) [current, next] = [next, current + next];
  return current;
}

/** The texts `<prefix> 0` to `<prefix> <count - 1>`. */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix} ${i}`);
}
