import type { NameSource } from "./certificate-name.ts";

/** Whether clients show a certificate: never, if they have one, or always. */
export const CLIENT_CERTIFICATES = ["off", "optional", "required"] as const;

/** The oldest version of TLS that is spoken. */
export const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

export interface TlsSettings {
  readonly clientCertificates: (typeof CLIENT_CERTIFICATES)[number];
  readonly nameSource: NameSource;
  readonly versionMin: (typeof TLS_VERSIONS)[number];
}
