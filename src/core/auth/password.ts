import { createHash, timingSafeEqual } from "node:crypto";
import type { Random } from "../../lib/random.ts";
import { octetsFromString } from "../../wire/octet-string.ts";

/** Digest behind each of RabbitMQ's names for a way of hashing passwords. */
const DIGESTS = {
  rabbit_password_hashing_sha256: "sha256",
  rabbit_password_hashing_sha512: "sha512",
  rabbit_password_hashing_md5: "md5",
} as const;

/** RabbitMQ's name for a way of hashing passwords, as found in definition files. */
export type HashingAlgorithm = keyof typeof DIGESTS;

/** What new passwords are hashed with. The others are for imported users only. */
export const DEFAULT_HASHING_ALGORITHM: HashingAlgorithm = "rabbit_password_hashing_sha256";

const SALT_BYTES = 4;

export function isHashingAlgorithm(name: string): name is HashingAlgorithm {
  return Object.hasOwn(DIGESTS, name);
}

/**
 * The salted hash of a password: base64 of a random salt of 4 octets followed by the digest of the salt and the
 * password, in UTF-8 where it is text. Source: RabbitMQ, "Credentials and Passwords".
 */
export function hashPassword(
  password: string,
  random: Random,
  algorithm: HashingAlgorithm = DEFAULT_HASHING_ALGORITHM,
): string {
  const salt = random.fill(new Uint8Array(SALT_BYTES));
  return Buffer.concat([salt, digestOf(salt, password, algorithm)]).toString("base64");
}

/** Whether `password` is the one behind `passwordHash`; takes as long for a near miss as for a match. */
export function verifyPassword(password: string, passwordHash: string, algorithm: HashingAlgorithm): boolean {
  const salted = Buffer.from(passwordHash, "base64");
  const expected = salted.subarray(SALT_BYTES);
  const actual = digestOf(salted.subarray(0, SALT_BYTES), password, algorithm);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** Whether `text` is base64, padded, as {@link hashPassword} writes it. "" stands for a user without a password. */
export function isPasswordHash(text: string): boolean {
  return Buffer.from(text, "base64").toString("base64") === text;
}

function digestOf(salt: Uint8Array, password: string, algorithm: HashingAlgorithm): Buffer {
  return createHash(DIGESTS[algorithm]).update(salt).update(octetsFromString(password)).digest();
}
