import type { Random } from "../../lib/random.ts";
import type { DefinitionSink } from "../definitions.ts";
import { BrokerError } from "../errors.ts";
import {
  DEFAULT_HASHING_ALGORITHM,
  type HashingAlgorithm,
  hashPassword,
  isHashingAlgorithm,
  isPasswordHash,
  verifyPassword,
} from "./password.ts";
import type { LoginClaim } from "./sasl.ts";
import { type User, userFromDefinition } from "./user.ts";

/** How a user is to log in: with a password, with the one behind an imported hash, or with none at all. */
export type Credentials =
  | { readonly password: string }
  | { readonly passwordHash: string; readonly hashingAlgorithm: string }
  | undefined;

/** The outcome of a login: the user, or why there is none. The reason is for the log, never for the client. */
export type Authentication =
  | { readonly user: User; readonly reason?: never }
  | { readonly user?: never; readonly reason: string };

export interface UserDirectoryOptions {
  readonly definitions: DefinitionSink;
  readonly random: Random;
  /** Names of the users that may log in from this machine only. Default: guest. */
  readonly loopbackUsers?: readonly string[];
}

/** The users of the broker. */
export class UserDirectory {
  readonly #definitions: DefinitionSink;
  readonly #random: Random;
  readonly #loopbackUsers: ReadonlySet<string>;
  readonly #users = new Map<string, User>();
  #generation = 0;
  /** While true nobody can log in, whatever the credentials; connections that are open stay. For tests of clients. */
  refusesLogins = false;

  constructor(options: UserDirectoryOptions) {
    this.#definitions = options.definitions;
    this.#random = options.random;
    this.#loopbackUsers = new Set(options.loopbackUsers ?? ["guest"]);
  }

  /** Grows with every change to any user. */
  get generation(): number {
    return this.#generation;
  }

  get(name: string): User | undefined {
    return this.#users.get(name);
  }

  list(): Iterable<User> {
    return this.#users.values();
  }

  /** Adds a user. @throws BrokerError PRECONDITION_FAILED when the name is taken or empty */
  add(name: string, credentials: Credentials, tags: readonly string[]): User {
    if (this.#users.has(name)) throw new BrokerError("PRECONDITION_FAILED", `user '${name}' already exists`);
    return this.put(name, credentials, tags);
  }

  /**
   * Adds a user or replaces all that is known of one.
   *
   * @throws BrokerError PRECONDITION_FAILED for an empty name, an unknown hashing algorithm or a hash that is not base64
   */
  put(name: string, credentials: Credentials, tags: readonly string[]): User {
    if (name === "") throw new BrokerError("PRECONDITION_FAILED", "a user must have a name");
    const user: User = { name, ...this.#secretOf(name, credentials), tags: [...tags] };
    this.#users.set(name, user);
    this.#generation++;
    this.#definitions.put("user", name, user);
    return user;
  }

  /** Removes a user, but not its permissions; false when there is none of that name. */
  delete(name: string): boolean {
    if (!this.#users.delete(name)) return false;
    this.#generation++;
    this.#definitions.delete("user", name);
    return true;
  }

  /** Takes over a stored user at recovery. @throws InvalidDefinitionError */
  restore(id: string, value: unknown): void {
    this.#users.set(id, userFromDefinition(id, value));
    this.#generation++;
  }

  /**
   * Checks what a client claims to be.
   *
   * @param peerIsLoopback whether the client is on this machine
   */
  login(claim: LoginClaim, peerIsLoopback: boolean): Authentication {
    if (claim.kind === "password") return this.authenticate(claim.user, claim.password, peerIsLoopback);
    const user = this.#users.get(claim.user);
    if (user === undefined) return { reason: `user '${claim.user}' of the client's certificate does not exist` };
    return this.#admit(user, peerIsLoopback);
  }

  /**
   * Checks a name and a password. A blank password is never accepted, whatever is stored.
   *
   * @param peerIsLoopback whether the client is on this machine
   */
  authenticate(name: string, password: string, peerIsLoopback: boolean): Authentication {
    if (password === "") return { reason: `user '${name}' attempted to log in with a blank password` };
    const user = this.#users.get(name);
    if (user === undefined || !verifyPassword(password, user.passwordHash, user.hashingAlgorithm)) {
      return { reason: `user '${name}' - invalid credentials` };
    }
    return this.#admit(user, peerIsLoopback);
  }

  #admit(user: User, peerIsLoopback: boolean): Authentication {
    if (this.refusesLogins) return { reason: `user '${user.name}' - logins are refused` };
    if (!peerIsLoopback && this.#loopbackUsers.has(user.name)) {
      return { reason: `user '${user.name}' can only connect via localhost` };
    }
    return { user };
  }

  #secretOf(name: string, credentials: Credentials): { passwordHash: string; hashingAlgorithm: HashingAlgorithm } {
    if (credentials === undefined) return { passwordHash: "", hashingAlgorithm: DEFAULT_HASHING_ALGORITHM };
    if ("password" in credentials) {
      const passwordHash = credentials.password === "" ? "" : hashPassword(credentials.password, this.#random);
      return { passwordHash, hashingAlgorithm: DEFAULT_HASHING_ALGORITHM };
    }
    const { passwordHash, hashingAlgorithm } = credentials;
    if (!isHashingAlgorithm(hashingAlgorithm)) {
      throw new BrokerError(
        "PRECONDITION_FAILED",
        `hashing algorithm '${hashingAlgorithm}' of user '${name}' is not known`,
      );
    }
    if (!isPasswordHash(passwordHash)) {
      throw new BrokerError("PRECONDITION_FAILED", `password hash of user '${name}' is not base64`);
    }
    return { passwordHash, hashingAlgorithm };
  }
}
