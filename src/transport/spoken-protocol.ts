import { type Decision, MORE_OCTETS, startsAlike } from "./first-octets.ts";

/** What a client's first octets show it to speak. AMQP 0-9-1 and what it has to refuse is `amqp`, AMQP 1.0 is `amqp1`. */
export type SpokenProtocol = "amqp" | "amqp1" | "tls" | "http";

const AMQP = Buffer.from("AMQP", "latin1");
const PROTOCOL_ID_AMQP = 0;
const PROTOCOL_ID_SASL = 3;
const MAJOR_1 = 1;

/** Record type "handshake" and the major version every TLS has had. RFC 8446, section 5.1. */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

/** A request line begins with a method of capital letters and a space. RFC 9112, section 3. */
const HTTP_METHODS = ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE "].map(
  (method) => Buffer.from(method, "latin1"),
);

const DECISIONS = {
  amqp: { value: "amqp", usedBytes: 0 },
  amqp1: { value: "amqp1", usedBytes: 0 },
  tls: { value: "tls", usedBytes: 0 },
  http: { value: "http", usedBytes: 0 },
} as const satisfies Record<SpokenProtocol, Decision<SpokenProtocol>>;

/** Tells by the octets at the beginning of a stream what is spoken on it; they are not used up. At most 8 are looked at. */
export function spokenProtocol(octets: Buffer): Decision<SpokenProtocol> | typeof MORE_OCTETS {
  if (startsAlike(octets, AMQP)) return spokenAmqp(octets);
  if (octets[0] === TLS_HANDSHAKE) {
    if (octets.length === 1) return MORE_OCTETS;
    return octets[1] === TLS_MAJOR ? DECISIONS.tls : DECISIONS.amqp;
  }
  const method = HTTP_METHODS.find((each) => startsAlike(octets, each));
  if (method === undefined) return DECISIONS.amqp;
  return octets.length < method.length ? MORE_OCTETS : DECISIONS.http;
}

/** AMQP 1.0 says "AMQP", protocol id, 1, 0, 0; AMQP 0-9-1 says "AMQP", 0, 0, 9, 1. */
function spokenAmqp(octets: Buffer): Decision<SpokenProtocol> | typeof MORE_OCTETS {
  const protocolId = octets[4];
  const major = octets[5];
  if (protocolId === undefined) return MORE_OCTETS;
  if (protocolId !== PROTOCOL_ID_AMQP && protocolId !== PROTOCOL_ID_SASL) return DECISIONS.amqp;
  if (major === undefined) return MORE_OCTETS;
  return major === MAJOR_1 ? DECISIONS.amqp1 : DECISIONS.amqp;
}
