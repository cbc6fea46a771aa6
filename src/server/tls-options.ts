import * as v from "valibot";
import { NAME_SOURCES } from "../transport/certificate-name.ts";
import { CLIENT_CERTIFICATES, TLS_VERSIONS } from "../transport/tls-settings.ts";
import { integer, mappingList, NOTHING, oneOf, text } from "./option-types.ts";

const TEXT = "text that is not empty";
const path = v.pipe(v.string(TEXT), v.nonEmpty(TEXT));

/** An entry of the option `tlsServerNames`. */
const certificateKeys = {
  certificate: v.optional(path),
  key: v.optional(path),
  keyPassphrase: v.optional(path),
};

/** With which certificates TLS is spoken, and which ones clients show. */
export const tlsEntries = {
  tlsCertificate: text(NOTHING, "PEM file of the server's certificate, then intermediate ones; none: no TLS"),
  tlsKey: text(NOTHING, "PEM file of the certificate's private key; none: it is in the file of the certificate"),
  tlsKeyPassphrase: text(NOTHING, "Passphrase of the private key; none: it is not encrypted"),
  tlsServerNames: mappingList(
    "certificates",
    certificateKeys,
    "Further certificates, each shown to clients that ask for a host name it is made out to (SNI)",
  ),
  tlsVersionMin: oneOf(TLS_VERSIONS, "TLSv1.2", "Oldest version of TLS that is spoken"),
  tlsReloadMilliseconds: integer(
    100,
    86_400_000,
    10_000,
    "Time between two looks at the files of certificates and keys",
  ),
  tlsClientAuthorities: text(NOTHING, "PEM file of the authorities that vouch for clients' certificates"),
  tlsClientCertificates: oneOf(
    CLIENT_CERTIFICATES,
    "off",
    "Whether clients must show a certificate; with one they may log in by SASL EXTERNAL",
  ),
  tlsLoginFrom: oneOf(
    NAME_SOURCES,
    "distinguishedName",
    "What of a client's certificate is the user name; dns, email, uri, ip: the first alternative name of that kind",
  ),
};
