import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";
import type { CertificateFiles, TlsFiles } from "../transport/certificates.ts";
import type { TlsGate } from "../transport/tls-gate.ts";
import { ConfigError } from "./config.ts";
import { NOTHING } from "./option-types.ts";
import type { ServerConfig } from "./options.ts";

/** A certificate that ends this soon is warned of at the start. */
const EXPIRY_WARNING_MILLISECONDS = 30 * 24 * 60 * 60 * 1000;

/** TLS with the certificates of a configuration. */
export interface ConfiguredTls {
  readonly gate: TlsGate;
  /** Looks at the certificate files no more. */
  stop(): void;
}

/**
 * Reads the certificates of a configuration and keeps up with changes in them; undefined when it has none. Rejects with
 * a {@link ConfigError} when they cannot be used.
 */
export async function openTls(config: ServerConfig, clock: Clock, logger: Logger): Promise<ConfiguredTls | undefined> {
  const files = tlsFiles(config);
  if (files === undefined) return undefined;
  const { CertificateWatch } = await import("../transport/certificate-watch.ts");
  const watch = new CertificateWatch({
    files,
    clock,
    logger,
    intervalMilliseconds: config.tlsReloadMilliseconds,
    onChange: (material) => gate.replace(material),
  });
  // First what the files hold, so that a change while they are loaded is not missed.
  await watch.remember();
  const gate = await createGate(config, files, logger);
  watch.start();
  return { gate, stop: () => watch.stop() };
}

async function createGate(config: ServerConfig, files: TlsFiles, logger: Logger): Promise<TlsGate> {
  // Loaded only when it is needed: node:tls is large.
  const [{ TlsGate }, { CertificateError, loadTlsMaterial }] = await Promise.all([
    import("../transport/tls-gate.ts"),
    import("../transport/certificates.ts"),
  ]);
  try {
    const material = loadTlsMaterial(files, new Date());
    for (const { leaf } of material.certificates) {
      const remaining = Date.parse(leaf.validTo) - Date.now();
      if (remaining < EXPIRY_WARNING_MILLISECONDS) {
        logger.warn("a certificate ends soon", { subject: leaf.subject, validUntil: leaf.validTo });
      }
    }
    const settings = {
      clientCertificates: config.tlsClientCertificates,
      nameSource: config.tlsLoginFrom,
      versionMin: config.tlsVersionMin,
    };
    return new TlsGate(settings, material, logger);
  } catch (error) {
    if (error instanceof CertificateError) throw new ConfigError([`TLS: ${error.message}`]);
    throw new ConfigError([`TLS cannot be set up with these certificates: ${(error as Error).message}`]);
  }
}

/** @throws ConfigError for options that make no sense together */
function tlsFiles(config: ServerConfig): TlsFiles | undefined {
  const { tlsCertificate, tlsKey, tlsKeyPassphrase, tlsClientAuthorities, tlsClientCertificates } = config;
  const problems: string[] = [];
  const further = config.tlsServerNames.flatMap(({ certificate, key, keyPassphrase }, index): CertificateFiles[] => {
    if (certificate !== undefined) return [{ certificate, key, passphrase: keyPassphrase }];
    problems.push(`tlsServerNames[${index}] has no certificate`);
    return [];
  });
  if (tlsClientCertificates !== "off" && tlsClientAuthorities === NOTHING) {
    problems.push(`tlsClientCertificates is ${tlsClientCertificates}, but tlsClientAuthorities names no file`);
  }
  if (tlsCertificate === NOTHING) {
    const idle = (["tlsKey", "tlsClientAuthorities"] as const).filter((key) => config[key] !== NOTHING);
    problems.push(...idle.map((key) => `${key} is given, but tlsCertificate names no file`));
    if (further.length > 0) problems.push("tlsServerNames is given, but tlsCertificate names no file");
  }
  if (problems.length > 0) throw new ConfigError(problems);
  if (tlsCertificate === NOTHING) return undefined;
  const first = { certificate: tlsCertificate, key: given(tlsKey), passphrase: given(tlsKeyPassphrase) };
  return {
    certificates: [first, ...further],
    clientAuthorities: tlsClientCertificates === "off" ? undefined : given(tlsClientAuthorities),
  };
}

function given(value: string): string | undefined {
  return value === NOTHING ? undefined : value;
}
