import type { PeerInfo } from "../../lib/peer-info.ts";
import { WireError } from "../../wire/errors.ts";
import { decodeTableBody, type FieldTable } from "../../wire/field-table.ts";
import { stringFromOctets } from "../../wire/octet-string.ts";

/** What a client claims to be: by a password that is still to be checked, or by what its transport has verified. */
export type LoginClaim =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  | { readonly kind: "verified"; readonly user: string };

/** What a client claims to be, or why its response says nothing of the kind. The reason is for the log. */
export type SaslResult = LoginClaim | { readonly kind: "malformed"; readonly reason: string };

/** One way for a client to say who it is, in a single response. */
export interface SaslMechanism {
  /** The name offered in connection.start, e.g. "PLAIN". */
  readonly name: string;
  /** Reads the response of connection.start-ok. It decides nothing: credentials are for the user directory to check. */
  decode(response: Buffer): SaslResult;
}

/** The user that clients without credentials are taken for. */
export interface AnonymousLogin {
  readonly user: string;
  readonly password: string;
}

const MISSING_NUL = { kind: "malformed", reason: "PLAIN response is not NUL user NUL password" } as const;

/**
 * PLAIN: authorization identity, NUL, user, NUL, password (RFC 4616). As in RabbitMQ the identity must be empty; to
 * act as someone else is not possible.
 */
export const plainMechanism: SaslMechanism = {
  name: "PLAIN",
  decode(response: Buffer): SaslResult {
    const userStart = response.indexOf(0) + 1;
    if (userStart === 0) return MISSING_NUL;
    if (userStart > 1) return { kind: "malformed", reason: "PLAIN response has an authorization identity" };
    const userEnd = response.indexOf(0, userStart);
    if (userEnd === -1 || response.indexOf(0, userEnd + 1) !== -1) return MISSING_NUL;
    return {
      kind: "password",
      user: stringFromOctets(response, userStart, userEnd),
      password: stringFromOctets(response, userEnd + 1, response.length),
    };
  },
};

/** AMQPLAIN: a field table without its length, with LOGIN and PASSWORD. From AMQP 0-8, where it is called PLAIN. */
export const amqplainMechanism: SaslMechanism = {
  name: "AMQPLAIN",
  decode(response: Buffer): SaslResult {
    let table: FieldTable;
    try {
      table = decodeTableBody(response, 0, response.length);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return { kind: "malformed", reason: `AMQPLAIN response is no field table: ${error.message}` };
    }
    const login = table.get("LOGIN");
    const password = table.get("PASSWORD");
    if (login?.type !== "longstr" || password?.type !== "longstr") {
      return { kind: "malformed", reason: "AMQPLAIN response has no LOGIN and PASSWORD of type longstr" };
    }
    return { kind: "password", user: login.value, password: password.value };
  },
};

/**
 * ANONYMOUS: whatever the response says, the client is taken for one user that the broker's configuration names
 * (RabbitMQ: anonymous_login_user and anonymous_login_pass), who logs in by the same rules as anyone.
 */
export function anonymousMechanism(login: AnonymousLogin): SaslMechanism {
  return {
    name: "ANONYMOUS",
    decode: () => ({ kind: "password", user: login.user, password: login.password }),
  };
}

/**
 * EXTERNAL: the client is who its verified certificate says, whatever the response says (RFC 4422 appendix A;
 * RabbitMQ's rabbitmq_auth_mechanism_ssl, which does not look at the authorization identity either).
 */
export function externalMechanism(certificateName: string): SaslMechanism {
  return { name: "EXTERNAL", decode: () => ({ kind: "verified", user: certificateName }) };
}

/** What is offered to one client: `mechanisms`, and EXTERNAL if it has shown a certificate that names somebody. */
export function mechanismsFor(
  { certificateName }: PeerInfo,
  mechanisms: readonly SaslMechanism[],
): readonly SaslMechanism[] {
  return certificateName === undefined ? mechanisms : [...mechanisms, externalMechanism(certificateName)];
}

/** The mechanisms RabbitMQ offers by default, in its order of preference. */
export function defaultMechanisms(anonymousLogin: AnonymousLogin): readonly SaslMechanism[] {
  return [plainMechanism, amqplainMechanism, anonymousMechanism(anonymousLogin)];
}
