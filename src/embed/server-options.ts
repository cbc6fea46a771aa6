/** A kind of client that can be spoken with: AMQP 0-9-1, AMQP 1.0, and either of them over a WebSocket. */
export type BrokerProtocol = "amqp" | "amqp1" | "websocket";

/** A further listener; see docs/listeners.md. It has a `port` or a `path`. */
export interface ListenerOptions {
  /** TCP port; 0: any free one. */
  readonly port?: number | undefined;
  /** IP address or host name to listen on. Default: the option `bind`. */
  readonly bind?: string | undefined;
  /** Path of a Unix socket. */
  readonly path?: string | undefined;
  /** Permissions of the Unix socket, in octal digits. Default: "660". */
  readonly mode?: string | undefined;
  /** What is spoken. Default: everything. */
  readonly protocols?: readonly BrokerProtocol[] | undefined;
  /** Whether TLS is spoken; never without `tlsCertificate`. Default: optional. */
  readonly tls?: "off" | "optional" | "required" | undefined;
  /** Every connection begins with a PROXY protocol header. Default: false. */
  readonly proxyProtocol?: boolean | undefined;
}

/** A further certificate; see docs/tls.md. */
export interface ServerNameOptions {
  /** PEM file of the certificate, then intermediate ones. It must be given. */
  readonly certificate?: string | undefined;
  /** PEM file of the private key. Default: it is in the file of the certificate. */
  readonly key?: string | undefined;
  /** Passphrase of the private key. Default: it is not encrypted. */
  readonly keyPassphrase?: string | undefined;
}

/** The options of `leveret start` that {@link startBroker} takes; docs/configuration.md says what each may be. */
export interface ServerOptions {
  /** Where the broker keeps its state; without it everything is in memory. */
  readonly dataDir?: string;
  /** IP address or host name to listen on; 0.0.0.0 or :: for all. Default: 127.0.0.1. */
  readonly bind?: string;
  /** TCP port on which everything in protocols is spoken; 0, the default here: any free port. */
  readonly port?: number;
  /**
   * What is spoken on port: AMQP 0-9-1, AMQP 1.0, and either of them over a WebSocket. Default: amqp,amqp1,websocket.
   */
  readonly protocols?: readonly BrokerProtocol[];
  /** Whether TLS is spoken on port; never without tlsCertificate. Default: optional. */
  readonly tls?: "off" | "optional" | "required";
  /** Every connection to port begins with a PROXY protocol header (version 1 or 2). Default: false. */
  readonly proxyProtocol?: boolean;
  /** Further TCP port, for TLS only; 5671 is the usual one. Default: none. */
  readonly tlsPort?: number | "none";
  /** Further TCP port, for WebSockets only; 15672 is the usual one. Default: none. */
  readonly httpPort?: number | "none";
  /** Path of a Unix socket to listen on as well; none: no Unix socket. Default: none. */
  readonly socketPath?: string;
  /** Further listeners. Default: none. */
  readonly listeners?: readonly ListenerOptions[];
  /**
   * Proxies whose PROXY protocol header is believed; others are dropped where one is expected. Default:
   * 127.0.0.0/8,::1.
   */
  readonly proxyTrusted?: readonly string[];
  /** Web pages that may connect over a WebSocket besides those from the same host; *: all. Default: none. */
  readonly websocketOrigins?: readonly string[];
  /** Octets of a WebSocket message from a client; one frame always fits. Default: 1048576. */
  readonly websocketMessageBytesMax?: number;
  /**
   * JSON file of virtual hosts, users, policies, queues and the like in RabbitMQ's format, imported at every start;
   * none: no file. Default: none.
   */
  readonly definitions?: string;
  /** Product name in server-properties, for clients that branch on it. Default: Leveret. */
  readonly product?: string;
  /** Connections at one time. Default: 65536. */
  readonly connectionsMax?: number;
  /** Open channels per connection, offered as channel-max; 0: no limit. Default: 2047. */
  readonly channelsMax?: number;
  /** AMQP 1.0 sessions per connection, RabbitMQ's session_max_per_connection. Default: 64. */
  readonly sessionsMax?: number;
  /** AMQP 1.0 links per session, RabbitMQ's link_max_per_session. Default: 256. */
  readonly linksMax?: number;
  /** Octets of a frame, offered as frame-max. Default: 131072. */
  readonly frameBytesMax?: number;
  /** Heartbeat interval offered to clients; 0: none. Default: 60. */
  readonly heartbeatSeconds?: number;
  /** Octets of a message's body. Default: 16777216. */
  readonly messageBytesMax?: number;
  /**
   * Octets of bodies that one connection has begun to send and not finished; one message always fits. Default:
   * 67108864.
   */
  readonly unfinishedBytesMax?: number;
  /** Octets waiting for one client, beyond which it gets no deliveries and is not read from. Default: 4194304. */
  readonly outboxBytesMax?: number;
  /**
   * Octets taken from publishers and not yet written to disk, beyond which publishers are not read from. Default:
   * 33554432.
   */
  readonly unwrittenBytesMax?: number;
  /** Octets of messages in memory, beyond which queues leave theirs to the disk. Default: 67108864. */
  readonly queueMemoryBytesMax?: number;
  /** Octets of publishes and acknowledgements one transaction may hold. Default: 134217728. */
  readonly transactionBytesMax?: number;
  /** Octets of a field table. Default: 1048576. */
  readonly tableBytesMax?: number;
  /** Tables and arrays inside each other. Default: 64. */
  readonly tableDepthMax?: number;
  /** Time a client has from connecting to connection.open. Default: 10000. */
  readonly handshakeTimeoutMilliseconds?: number;
  /**
   * Time a consumer of a quorum queue may take to acknowledge, unless the queue or the consumer says otherwise.
   * Default: 1800000.
   */
  readonly consumerTimeoutMilliseconds?: number;
  /** Time a refused login is kept waiting before it is told, against guessing. Default: 0. */
  readonly loginRefusedDelayMilliseconds?: number;
  /** Share of the memory the process may use above which publishers are blocked; 0: always. Default here: 1. */
  readonly memoryHighWatermarkFraction?: number;
  /** Octets of memory in use above which publishers are blocked; 0: memoryHighWatermarkFraction decides. Default: 0. */
  readonly memoryHighWatermarkBytes?: number;
  /**
   * Octets free on the data directory's file system below which publishers are blocked; 0: never. Default: 50000000.
   */
  readonly diskFreeBytesMin?: number;
  /** Time between two looks at memory in use and disk space. Default: 1000. */
  readonly resourceCheckMilliseconds?: number;
  /** PEM file of the server's certificate, then intermediate ones; none: no TLS. Default: none. */
  readonly tlsCertificate?: string;
  /** PEM file of the certificate's private key; none: it is in the file of the certificate. Default: none. */
  readonly tlsKey?: string;
  /** Passphrase of the private key; none: it is not encrypted. Default: none. */
  readonly tlsKeyPassphrase?: string;
  /** Further certificates, each shown to clients that ask for a host name it is made out to (SNI). Default: none. */
  readonly tlsServerNames?: readonly ServerNameOptions[];
  /** Oldest version of TLS that is spoken. Default: TLSv1.2. */
  readonly tlsVersionMin?: "TLSv1.2" | "TLSv1.3";
  /** Time between two looks at the files of certificates and keys. Default: 10000. */
  readonly tlsReloadMilliseconds?: number;
  /** PEM file of the authorities that vouch for clients' certificates. Default: none. */
  readonly tlsClientAuthorities?: string;
  /** Whether clients must show a certificate; with one they may log in by SASL EXTERNAL. Default: off. */
  readonly tlsClientCertificates?: "off" | "optional" | "required";
  /**
   * What of a client's certificate is the user name; dns, email, uri, ip: the first alternative name of that kind.
   * Default: distinguishedName.
   */
  readonly tlsLoginFrom?: "distinguishedName" | "commonName" | "dns" | "email" | "uri" | "ip";
}
