import { randomFillSync } from "node:crypto";

/** The broker's only source of randomness, so that a test can make it deterministic. */
export interface Random {
  /** Fills `target` with random octets and returns it. */
  fill(target: Uint8Array): Uint8Array;
}

/** Cryptographically strong randomness from the operating system. */
export const systemRandom: Random = {
  fill: (target) => randomFillSync(target),
};

/** `prefix` followed by 22 base64url characters that encode 16 random octets, as RabbitMQ names queues and consumers. */
export function randomName(prefix: string, random: Random): string {
  return prefix + Buffer.from(random.fill(new Uint8Array(16))).toString("base64url");
}
