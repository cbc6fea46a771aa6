import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from "node:tls";
import type { Logger } from "../lib/logger.ts";
import { formatEndpoint, type PeerInfo } from "../lib/peer-info.ts";
import { certificateName } from "./certificate-name.ts";
import type { ServerCertificate, TlsMaterial } from "./certificates.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** Told when a client has passed, with the name of its certificate if it has shown one that names somebody. */
export type OnSecure = (stream: TLSSocket, certificateName: string | undefined) => void;

interface Entrant {
  readonly peer: PeerInfo;
  readonly onSecure: OnSecure;
}

interface NamedContext {
  readonly certificate: ServerCertificate;
  readonly context: SecureContext;
}

/** Speaks TLS with clients on sockets that others have accepted. */
export class TlsGate {
  readonly #settings: TlsSettings;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #entrants = new WeakMap<Socket, Entrant>();
  #contexts: readonly NamedContext[];

  constructor(settings: TlsSettings, material: TlsMaterial, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    this.#contexts = this.#createContexts(material);
    this.#server = createServer({
      ...this.#contextOptions(material, material.certificates[0] as ServerCertificate),
      requestCert: settings.clientCertificates !== "off",
      rejectUnauthorized: settings.clientCertificates === "required",
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
    });
    this.#server.on("secureConnection", (stream) => this.#secured(stream));
    this.#server.on("tlsClientError", ({ message }, stream) => this.#report("TLS handshake failed", stream, message));
  }

  /** New connections are shown these certificates; those that are open stay as they are. */
  replace(material: TlsMaterial): void {
    this.#contexts = this.#createContexts(material);
    this.#server.setSecureContext(this.#contextOptions(material, material.certificates[0] as ServerCertificate));
  }

  /** Takes over a socket on which a client begins to speak TLS. A client that does not pass is dropped. */
  take(socket: Socket, peer: PeerInfo, onSecure: OnSecure): void {
    this.#entrants.set(socket, { peer, onSecure });
    this.#server.emit("connection", socket);
  }

  #createContexts(material: TlsMaterial): NamedContext[] {
    return material.certificates.map((certificate) => ({
      certificate,
      context: createSecureContext(this.#contextOptions(material, certificate)),
    }));
  }

  #contextOptions(
    { clientAuthorities }: TlsMaterial,
    { cert, key, passphrase }: ServerCertificate,
  ): SecureContextOptions {
    return {
      cert,
      key,
      minVersion: this.#settings.versionMin,
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(clientAuthorities === undefined ? {} : { ca: clientAuthorities }),
    };
  }

  #contextFor(serverName: string): SecureContext {
    const named = this.#contexts.find(({ certificate }) => certificate.leaf.checkHost(serverName) !== undefined);
    return (named ?? (this.#contexts[0] as NamedContext)).context;
  }

  #secured(stream: TLSSocket): void {
    const certificate = stream.getPeerX509Certificate();
    if (certificate !== undefined && !stream.authorized) {
      this.#report("client certificate refused", stream, String(stream.authorizationError));
      stream.destroy();
      return;
    }
    const name = certificate === undefined ? undefined : certificateName(certificate, this.#settings.nameSource);
    this.#entrants.get(socketBelow(stream))?.onSecure(stream, name);
  }

  #report(message: string, stream: TLSSocket, reason: string): void {
    const { host = "", port = 0 } = this.#entrants.get(socketBelow(stream))?.peer ?? {};
    this.#logger.info(message, { peer: formatEndpoint(host, port), reason });
  }
}

/** The socket that a TLS socket was made of. node:tls keeps it under a name that is not documented. */
function socketBelow(stream: TLSSocket): Socket {
  return (stream as TLSSocket & { readonly _parent: Socket })._parent;
}
