import { StoredFields } from "../definitions.ts";
import { type HashingAlgorithm, isHashingAlgorithm, isPasswordHash } from "./password.ts";

/** A user of the broker. */
export interface User {
  readonly name: string;
  /** Base64 of salt and digest; "" when the user has no password and so cannot log in with one. */
  readonly passwordHash: string;
  readonly hashingAlgorithm: HashingAlgorithm;
  /** E.g. "administrator"; they matter to the management interface, and "impersonator" to basic.publish. */
  readonly tags: readonly string[];
}

/** The user in a stored definition. @throws InvalidDefinitionError */
export function userFromDefinition(id: string, value: unknown): User {
  const fields = new StoredFields("user", id, value);
  const name = fields.string("name");
  if (name !== id) return fields.fail("its name differs from its id");
  const hashingAlgorithm = fields.string("hashingAlgorithm");
  if (!isHashingAlgorithm(hashingAlgorithm)) return fields.fail(`hashing algorithm '${hashingAlgorithm}' is not known`);
  const passwordHash = fields.string("passwordHash");
  if (!isPasswordHash(passwordHash)) return fields.fail("passwordHash is not base64");
  return { name, passwordHash, hashingAlgorithm, tags: [...fields.strings("tags")] };
}
