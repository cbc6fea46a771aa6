import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as der from "./der.ts";

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

const ATTRIBUTE_TYPES = {
  CN: "2.5.4.3",
  serialNumber: "2.5.4.5",
  C: "2.5.4.6",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  title: "2.5.4.12",
  DC: "0.9.2342.19200300.100.1.25",
  emailAddress: "1.2.840.113549.1.9.1",
} as const;
const ECDSA_WITH_SHA256 = der.sequence(der.objectIdentifier("1.2.840.10045.4.3.2"));
const SUBJECT_ALTERNATIVE_NAME = der.objectIdentifier("2.5.29.17");
const BASIC_CONSTRAINTS = der.objectIdentifier("2.5.29.19");
const VERSION_3 = der.context(0, der.integer(Buffer.of(2)));

/** Relative names from the most general to the most specific one; those of one entry belong together. */
type Name = readonly (readonly [type: keyof typeof ATTRIBUTE_TYPES, value: string])[][];

type AlternativeName = readonly [kind: "dns" | "email" | "uri" | "ip", value: string];

const LOCAL_NAMES: readonly AlternativeName[] = [
  ["dns", "localhost"],
  ["ip", "127.0.0.1"],
];

/** What a certificate says; what is left out is what a server on this machine would have. */
export interface CertificateOptions {
  readonly subject?: Name;
  readonly alternativeNames?: readonly AlternativeName[];
  /** Days from now at which it begins and ends to be valid. */
  readonly validFromDays?: number;
  readonly validUntilDays?: number;
  /** What the key is encrypted with. */
  readonly passphrase?: string;
}

/** A certificate with its private key, both in PEM form. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** An authority that is made for a test, and certificates that it vouches for. */
export class TestAuthority {
  /** The authority's own certificate in PEM form. */
  readonly certificate: string;
  readonly #name = nameOf([[["CN", "Test Authority"]]]);
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeys();
    this.#privateKey = privateKey;
    const isAuthority = der.sequence(der.boolean(true));
    this.certificate = this.#sign(this.#name, publicKey, {}, [
      der.sequence(BASIC_CONSTRAINTS, der.boolean(true), der.octetString(isAuthority)),
    ]);
  }

  issue(options: CertificateOptions = {}): TestCertificate {
    const { subject = [[["CN", "localhost"]]], alternativeNames = LOCAL_NAMES, passphrase } = options;
    const { publicKey, privateKey } = generateKeys();
    const names = der.octetString(der.sequence(...alternativeNames.map(alternativeName)));
    const extensions = alternativeNames.length === 0 ? [] : [der.sequence(SUBJECT_ALTERNATIVE_NAME, names)];
    const encryption = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
    return {
      certificate: this.#sign(nameOf(subject), publicKey, options, extensions),
      key: privateKey.export({ type: "pkcs8", format: "pem", ...encryption }) as string,
    };
  }

  #sign(subject: Buffer, publicKey: KeyObject, options: CertificateOptions, extensions: readonly Buffer[]): string {
    const { validFromDays = -1, validUntilDays = 365 } = options;
    const at = (days: number): Buffer => der.generalizedTime(new Date(Date.now() + days * DAY_MILLISECONDS));
    const body = der.sequence(
      VERSION_3,
      der.integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
      ECDSA_WITH_SHA256,
      this.#name,
      der.sequence(at(validFromDays), at(validUntilDays)),
      subject,
      publicKey.export({ type: "spki", format: "der" }),
      ...(extensions.length === 0 ? [] : [der.context(3, der.sequence(...extensions))]),
    );
    const signature = der.bitString(sign("sha256", body, this.#privateKey));
    return pem("CERTIFICATE", der.sequence(body, ECDSA_WITH_SHA256, signature));
  }
}

/** Writes a text into a directory; returns the path of the file. */
export function writtenFile(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function generateKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
}

function nameOf(name: Name): Buffer {
  const relative = name.map((attributes) =>
    der.setOf(
      ...attributes.map(([type, value]) =>
        der.sequence(der.objectIdentifier(ATTRIBUTE_TYPES[type]), der.utf8String(value)),
      ),
    ),
  );
  return der.sequence(...relative);
}

function alternativeName([kind, value]: AlternativeName): Buffer {
  const number = { email: 1, dns: 2, uri: 6, ip: 7 }[kind];
  return der.implicit(number, kind === "ip" ? Buffer.from(value.split(".").map(Number)) : Buffer.from(value));
}

function pem(label: string, octets: Buffer): string {
  const lines = octets.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
