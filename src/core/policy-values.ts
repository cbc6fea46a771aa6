/** One value of a policy's definition, under its key without the "x-" of arguments, e.g. "message-ttl". */
export type PolicyValue = string | number | boolean | readonly string[];

/** What the policy and the operator policy for one queue or exchange come to, already merged. */
export type PolicyValues = ReadonlyMap<string, PolicyValue>;

export const NO_POLICY: PolicyValues = new Map();
