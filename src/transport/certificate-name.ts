import type { X509Certificate } from "node:crypto";

/** From where a client certificate's user name is taken; RabbitMQ's `ssl_cert_login_from` and `ssl_cert_login_san_type`. */
export const NAME_SOURCES = ["distinguishedName", "commonName", "dns", "email", "uri", "ip"] as const;
export type NameSource = (typeof NAME_SOURCES)[number];

/** What node:crypto calls the kinds of a subject's alternative names. */
const ALTERNATIVE_NAME_KINDS = { dns: "DNS", email: "email", uri: "URI", ip: "IP Address" } as const;

/** Attribute types that RabbitMQ writes in another way than OpenSSL's short names. */
const RABBITMQ_TYPES: Readonly<Record<string, string>> = {
  GN: "GIVENNAME",
  initials: "INITIALS",
  generationQualifier: "GENERATIONQUALIFIER",
  title: "TITLE",
  serialNumber: "SERIALNUMBER",
  pseudonym: "PSEUDONYM",
  emailAddress: "EMAILADDRESS",
  street: "STREET",
};

const FIRST_ESCAPED_OCTET = 126;

/**
 * Whom a certificate names, or undefined when it names nobody in that way. A distinguished name is written as RabbitMQ
 * does: RFC 4514, with everything escaped that is not ASCII. Several common names are joined with commas; of several
 * alternative names of one kind the first counts.
 */
export function certificateName(certificate: X509Certificate, source: NameSource): string | undefined {
  if (source === "distinguishedName") return distinguishedName(certificate.subject);
  if (source === "commonName") return commonName(certificate.subject);
  return alternativeName(certificate.subjectAltName, ALTERNATIVE_NAME_KINDS[source]);
}

/** `subject` has a line for each relative name, the most general first; values are escaped already, but stay UTF-8. */
function distinguishedName(subject: string | undefined): string | undefined {
  if (!subject) return undefined;
  const names = subject.split("\n").map((line) => line.split(" + ").map(attribute).join("+"));
  return names.reverse().join(",");
}

function attribute(text: string): string {
  const { type, value } = splitAttribute(text);
  return `${RABBITMQ_TYPES[type] ?? type}=${escapeOctets(value)}`;
}

function escapeOctets(value: string): string {
  return Array.from(Buffer.from(value), (octet) =>
    octet < FIRST_ESCAPED_OCTET ? String.fromCharCode(octet) : `\\${octet.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

function commonName(subject: string | undefined): string | undefined {
  if (!subject) return undefined;
  const attributes = subject.split("\n").flatMap((line) => line.split(" + ").map(splitAttribute));
  const names = attributes.filter(({ type }) => type === "CN").map(({ value }) => unescaped(value));
  return names.length === 0 ? undefined : names.join(",");
}

function splitAttribute(text: string): { type: string; value: string } {
  const equals = text.indexOf("=");
  return { type: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** Takes back the escapes of RFC 4514 section 2.4: a backslash before a character, or before two hexadecimal digits. */
function unescaped(value: string): string {
  return value.replace(/\\([0-9A-Fa-f]{2}|.)/gs, (_, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped,
  );
}

/** `names` reads "DNS:a.example, email:x@example.com"; a name with anything unusual in it is a JSON string. */
function alternativeName(names: string | undefined, kind: string): string | undefined {
  if (names === undefined) return undefined;
  for (const [, nameKind, quoted, plain] of names.matchAll(/(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g)) {
    if (nameKind === kind) return quoted === undefined ? plain : (JSON.parse(quoted) as string);
  }
  return undefined;
}
