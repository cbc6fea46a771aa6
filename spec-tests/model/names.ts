/** What runs use the same names for. */

export const QUEUES = ["q0", "q1", "q2", "q3", "q4"] as const;
export const EXCHANGES = ["x0", "x1", "x2", "x3"] as const;
export const KEYS = ["a", "a.b", "b", ""] as const;
