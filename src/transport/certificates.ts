import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

/** A certificate or key cannot be used; the message says which file is wrong, and how. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

/** Where a server certificate is, in PEM form. */
export interface CertificateFiles {
  /** The server's certificate, followed by those of intermediate authorities. */
  readonly certificate: string;
  /** Its private key; without it the key is in the file of the certificate. */
  readonly key: string | undefined;
  /** What the key is encrypted with, if it is. */
  readonly passphrase: string | undefined;
}

/** All files that TLS needs. */
export interface TlsFiles {
  /** The first is shown to clients that ask for no name, or for one that none of them has. */
  readonly certificates: readonly CertificateFiles[];
  /** Certificates of the authorities that vouch for clients; undefined: clients show no certificate. */
  readonly clientAuthorities: string | undefined;
}

/** A server certificate that can be used. */
export interface ServerCertificate {
  readonly leaf: X509Certificate;
  /** PEM texts, as node:tls takes them. */
  readonly cert: string;
  readonly key: string;
  readonly passphrase: string | undefined;
}

export interface TlsMaterial {
  readonly certificates: readonly ServerCertificate[];
  readonly clientAuthorities: string | undefined;
}

/** The paths of all files, each once. */
export function tlsPaths({ certificates, clientAuthorities }: TlsFiles): string[] {
  const paths = certificates.flatMap(({ certificate, key }) => [certificate, key ?? certificate]);
  return [...new Set(clientAuthorities === undefined ? paths : [...paths, clientAuthorities])];
}

/** Reads and checks all that TLS needs. @throws CertificateError */
export function loadTlsMaterial(files: TlsFiles, now: Date): TlsMaterial {
  return {
    certificates: files.certificates.map((each) => loadServerCertificate(each, now)),
    clientAuthorities: files.clientAuthorities === undefined ? undefined : loadAuthorities(files.clientAuthorities),
  };
}

function loadServerCertificate(files: CertificateFiles, now: Date): ServerCertificate {
  const { certificate, passphrase } = files;
  const keyPath = files.key ?? certificate;
  const cert = readText(certificate, "certificate");
  const key = readText(keyPath, "private key");
  const leaf = parseCertificate(cert, certificate);
  if (!leaf.checkPrivateKey(parseKey(key, keyPath, passphrase))) {
    throw new CertificateError(`the private key in ${keyPath} does not belong to the certificate in ${certificate}`);
  }
  if (now > new Date(leaf.validTo)) {
    throw new CertificateError(`the certificate in ${certificate} has expired: it was valid until ${leaf.validTo}`);
  }
  if (now < new Date(leaf.validFrom)) {
    throw new CertificateError(`the certificate in ${certificate} is not valid before ${leaf.validFrom}`);
  }
  return { leaf, cert, key, passphrase };
}

function loadAuthorities(path: string): string {
  const text = readText(path, "file of client authorities");
  parseCertificate(text, path);
  return text;
}

function parseCertificate(pem: string, path: string): X509Certificate {
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) {
    throw new CertificateError(`${path} holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")`);
  }
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CertificateError(`the certificate in ${path} is damaged: ${(cause as Error).message}`, { cause });
  }
}

function parseKey(pem: string, path: string, passphrase: string | undefined): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new CertificateError(`${path} holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")`);
  }
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isEncrypted = pem.includes("ENCRYPTED");
    const wrong = /bad.?decrypt/i.test(`${code} ${message}`) ? "the passphrase is wrong" : message;
    const reason = isEncrypted && passphrase === undefined ? "it is encrypted, and no passphrase is given" : wrong;
    throw new CertificateError(`the private key in ${path} cannot be used: ${reason}`, { cause });
  }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CertificateError(`the ${what} ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
