import { mechanismsFor } from "../core/auth/sasl.ts";
import type { User } from "../core/auth/user.ts";
import type { Broker } from "../core/broker.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import { PERFORMATIVES, type Performative } from "./codec/performatives.ts";
import { composite, symbols, type Typed, ubyte } from "./codec/types.ts";
import { Amqp10Error } from "./error-condition.ts";

/** Outcome codes. Source: AMQP 1.0, part 5.3.3.6. */
const OK = 0;
const AUTHENTICATION_FAILED = 1;

/** What became of a login. */
export interface SaslOutcome {
  /** Undefined: refused. */
  readonly user: User | undefined;
  /** Why it was refused, for the log. */
  readonly reason: string | undefined;
}

export function saslMechanismsFrame(broker: Broker, peer: PeerInfo): Typed {
  const names = mechanismsFor(peer, broker.mechanisms).map(({ name }) => name);
  return composite(PERFORMATIVES.saslMechanisms, [symbols(names)]);
}

/** @throws Amqp10Error for anything but a sasl-init that names a mechanism; each of ours needs one response only */
export function takeSaslInit(broker: Broker, peer: PeerInfo, { code, fields }: Performative): SaslOutcome {
  if (code !== PERFORMATIVES.saslInit) throw new Amqp10Error("amqp:not-allowed", "expected sasl-init");
  const name = fields.text(0);
  const mechanism = mechanismsFor(peer, broker.mechanisms).find((each) => each.name === name);
  if (mechanism === undefined) return refused(`unknown authentication mechanism '${name}'`);
  const claim = mechanism.decode(fields.octets(1) ?? Buffer.alloc(0));
  if (claim.kind === "malformed") return refused(claim.reason);
  const { user, reason } = broker.users.login(claim, peer.loopback);
  return { user, reason };
}

export function saslOutcomeFrame({ user }: SaslOutcome): Typed {
  return composite(PERFORMATIVES.saslOutcome, [ubyte(user === undefined ? AUTHENTICATION_FAILED : OK)]);
}

function refused(reason: string): SaslOutcome {
  return { user: undefined, reason };
}
