import { randomUUID } from "node:crypto";

/** A name that no other run uses, for a queue or exchange on a broker that others may be using too. */
export function uniqueName(purpose: string): string {
  return `leveret.conformance.${purpose}.${randomUUID()}`;
}
