import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import amqplib from "amqplib";
import { ConfigError } from "../../src/server/config.ts";
import type { RunningServer } from "../../src/server/lifecycle.ts";
import { expectStart, handshake, sendStartOk } from "../support/handshake.ts";
import { RawClient } from "../support/raw-client.ts";
import { keepingLogger, openServer } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type CertificateOptions, TestAuthority, writtenFile } from "../support/test-certificates.ts";

const WAIT_MILLISECONDS = 10_000;
const SECONDS_PER_DAY = 86_400;
const authority = new TestAuthority();
const ca = authority.certificate;

test("[tls] amqplib passes a message over amqps, on the port of everything and on one for TLS only", async (context) => {
  const server = await openServer(context, { ...serverCertificate(context), tlsPort: 0 });
  assert.match(server.url, /^amqp:\/\/guest:guest@127\.0\.0\.1:\d+$/);
  const [, ...secureUrls] = server.urls;
  assert.equal(secureUrls.length, 2);
  for (const url of secureUrls) {
    assert.match(url, /^amqps:\/\/guest:guest@127\.0\.0\.1:\d+$/);
    const connection = await amqplib.connect(url.replace("127.0.0.1", "localhost"), { ca: [ca] });
    const channel = await connection.createConfirmChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    channel.sendToQueue(queue, Buffer.alloc(300_000, 7));
    await channel.waitForConfirms();
    const message = await channel.get(queue, { noAck: true });
    assert(message !== false);
    assert.equal(message.content.length, 300_000);
    await connection.close();
  }
});

test("[tls/versions] 1.2 and 1.3 are spoken, older ones and those below tlsVersionMin are not", async (context) => {
  const server = await openServer(context, serverCertificate(context));
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = await secure(context, server, { minVersion: version, maxVersion: version });
    assert.equal(socket.getProtocol(), version);
  }
  await assert.rejects(
    secure(context, server, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" }),
  );
  const strict = await openServer(context, { ...serverCertificate(context), tlsVersionMin: "TLSv1.3" });
  await secure(context, strict, { minVersion: "TLSv1.3" });
  await assert.rejects(secure(context, strict, { maxVersion: "TLSv1.2" }));
});

test("[tls/required] where TLS is required a client that does not speak it is dropped", async (context) => {
  const server = await openServer(context, { ...serverCertificate(context), tls: "required" });
  assert.match(server.url, /^amqps:/);
  await secure(context, server);
  await assert.rejects(amqplib.connect(server.url.replace("amqps", "amqp")));
});

test("[tls/sni] a client is shown the certificate made out to the name it asks for, or else the first", async (context) => {
  const directory = temporaryDirectory(context);
  const inFile = (name: string): { certificate: string; key: string } => {
    const { certificate, key } = authority.issue({ subject: [[["CN", name]]], alternativeNames: [["dns", name]] });
    return {
      certificate: writtenFile(directory, `${name}.pem`.replace("*", "any"), certificate),
      key: writtenFile(directory, `${name}.key`.replace("*", "any"), key),
    };
  };
  const server = await openServer(context, {
    ...serverCertificate(context),
    tlsServerNames: [inFile("a.example"), inFile("*.b.example")],
  });
  for (const [asked, shown] of [
    ["a.example", "a.example"],
    ["x.b.example", "*.b.example"],
    ["c.example", "localhost"],
    ["", "localhost"],
  ] as const) {
    const socket = await secure(context, server, { servername: asked, checkServerIdentity: () => undefined });
    assert.equal(socket.getPeerCertificate().subject.CN, shown, asked);
  }
});

test("[tls/reload] new connections are shown a changed certificate; a broken one is logged and refused", async (context) => {
  const directory = temporaryDirectory(context);
  const write = (name: string): void => {
    const { certificate, key } = authority.issue({ subject: [[["CN", name]]] });
    writtenFile(directory, "server.pem", certificate + key);
  };
  write("first");
  const { logger, lines } = keepingLogger();
  const tlsCertificate = `${directory}/server.pem`;
  const server = await openServer(context, { tlsCertificate, tlsReloadMilliseconds: 100 }, logger);
  const shown = async (options: ConnectionOptions = {}): Promise<unknown> =>
    (await secure(context, server, options)).getPeerCertificate().subject.CN;
  const logged = (start: string) => () => lines.some(({ message }) => message.startsWith(start));
  assert.equal(await shown(), "first");
  const before = await secure(context, server);

  writtenFile(directory, "server.pem", "nonsense");
  await until(logged("changed certificates cannot be used: those before stay in use"));
  assert.equal(await shown(), "first");

  write("second");
  await until(logged("certificates changed"));
  assert.equal(await shown(), "second");
  assert.equal(await shown({ servername: "", checkServerIdentity: () => undefined }), "second");
  await handshake(new RawClient(before, WAIT_MILLISECONDS));
});

test("[tls/reload] a certificate that is not valid yet is taken when it is, and refused only once before", async (context) => {
  const directory = temporaryDirectory(context);
  const write = (name: string, validFromDays: number): void => {
    const { certificate, key } = authority.issue({ subject: [[["CN", name]]], validFromDays });
    writtenFile(directory, "server.pem", certificate + key);
  };
  write("first", -1);
  const { logger, lines } = keepingLogger();
  const tlsCertificate = `${directory}/server.pem`;
  const server = await openServer(context, { tlsCertificate, tlsReloadMilliseconds: 100 }, logger);
  write("second", 2 / SECONDS_PER_DAY);
  const logged = (start: string): number => lines.filter(({ message }) => message.startsWith(start)).length;
  await until(() => logged("certificates changed") === 1);
  assert.equal(logged("changed certificates cannot be used"), 1);
  assert.equal((await secure(context, server)).getPeerCertificate().subject.CN, "second");
});

test("[tls/client certificates] EXTERNAL logs in as the user whom the certificate names, and is offered only then", async (context) => {
  const server = await openServer(context, { ...clientCertificates(context, "optional"), tlsLoginFrom: "commonName" });
  const mechanismsOf = async (options: ConnectionOptions): Promise<string> => {
    const client = new RawClient(await secure(context, server, options), WAIT_MILLISECONDS);
    return (await expectStart(client)).mechanisms.toString();
  };
  assert.equal(await mechanismsOf({}), "PLAIN AMQPLAIN ANONYMOUS");
  assert.equal(await mechanismsOf(issued("guest")), "PLAIN AMQPLAIN ANONYMOUS EXTERNAL");

  const guest = await amqplib.connect(`amqps://localhost:${server.port}`, {
    ca: [ca],
    ...issued("guest"),
    credentials: amqplib.credentials.external(),
  });
  await guest.close();

  const client = new RawClient(await secure(context, server, issued("nobody")), WAIT_MILLISECONDS);
  await expectStart(client);
  sendStartOk(client, { mechanism: "EXTERNAL", response: Buffer.alloc(0) });
  await client.expectConnectionClose(
    403,
    /^ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL/,
    0,
    0,
  );
});

test("[tls/client certificates] without one EXTERNAL is unknown", async (context) => {
  const server = await openServer(context, clientCertificates(context, "optional"));
  const client = new RawClient(await secure(context, server), WAIT_MILLISECONDS);
  await expectStart(client);
  sendStartOk(client, { mechanism: "EXTERNAL", response: Buffer.alloc(0) });
  await client.expectConnectionClose(503, /unknown authentication mechanism 'EXTERNAL'/, 10, 11);
});

test("[tls/client certificates] one that no authority vouches for, or has expired, is refused even if it is optional", async (context) => {
  const server = await openServer(context, clientCertificates(context, "optional"));
  const stranger = new TestAuthority().issue();
  const expired = authority.issue({ validFromDays: -10, validUntilDays: -1 });
  for (const { certificate: cert, key } of [stranger, expired]) await assertDropped(context, server, { cert, key });
});

test("[tls/client certificates] where one is required a client without is refused", async (context) => {
  const server = await openServer(context, clientCertificates(context, "required"));
  await assertDropped(context, server, {});
  const client = new RawClient(await secure(context, server, issued("guest")), WAIT_MILLISECONDS);
  await handshake(client);
});

const GOOD = authority.issue();
const PROBLEMS: readonly [what: string, files: Record<string, string>, options: object, message: RegExp][] = [
  [
    "a certificate that is not there",
    {},
    { tlsCertificate: "a.pem" },
    /^TLS: the certificate .*a\.pem cannot be read: ENOENT/,
  ],
  [
    "a file that is no certificate",
    { "a.pem": "x" },
    { tlsCertificate: "a.pem" },
    /a\.pem holds no certificate in PEM form/,
  ],
  ["a file without its key", { "a.pem": GOOD.certificate }, { tlsCertificate: "a.pem" }, /a\.pem holds no private key/],
  [
    "a damaged certificate",
    { "a.pem": `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${GOOD.key}` },
    { tlsCertificate: "a.pem" },
    /the certificate in .*a\.pem is damaged/,
  ],
  [
    "the key of another certificate",
    { "a.pem": GOOD.certificate, "a.key": authority.issue().key },
    { tlsCertificate: "a.pem", tlsKey: "a.key" },
    /the private key in .*a\.key does not belong to the certificate in .*a\.pem$/,
  ],
  [
    "a certificate that has expired",
    withDays(-10, -1),
    { tlsCertificate: "a.pem" },
    /a\.pem has expired: it was valid until /,
  ],
  ["a certificate of the future", withDays(1, 10), { tlsCertificate: "a.pem" }, /a\.pem is not valid before /],
  [
    "an encrypted key without passphrase",
    encrypted(),
    { tlsCertificate: "a.pem" },
    /it is encrypted, and no passphrase is given/,
  ],
  [
    "a wrong passphrase",
    encrypted(),
    { tlsCertificate: "a.pem", tlsKeyPassphrase: "wrong" },
    /the private key in .*a\.pem cannot be used: the passphrase is wrong/,
  ],
  [
    "client certificates without authorities",
    { "a.pem": GOOD.certificate + GOOD.key },
    { tlsCertificate: "a.pem", tlsClientCertificates: "required" },
    /^tlsClientCertificates is required, but tlsClientAuthorities names no file$/,
  ],
  ["a key without certificate", {}, { tlsKey: "a.key" }, /^tlsKey is given, but tlsCertificate names no file$/],
  [
    "a server name without certificate",
    {},
    { tlsServerNames: [{ key: "a" }] },
    /^tlsServerNames\[0\] has no certificate/,
  ],
  [
    "TLS required without certificate",
    {},
    { tls: "required" },
    /^port requires TLS, but tlsCertificate names no file$/,
  ],
];

for (const [what, files, options, message] of PROBLEMS) {
  test(`[tls/start] ${what} is refused at the start, by name`, async (context) => {
    const directory = temporaryDirectory(context);
    for (const [name, text] of Object.entries(files)) writtenFile(directory, name, text);
    const paths = Object.fromEntries(
      Object.entries(options).map(([key, value]) => [
        key,
        /\.(pem|key)$/.test(value) ? `${directory}/${value}` : value,
      ]),
    );
    await assert.rejects(openServer(context, paths), (error) => {
      assert(error instanceof ConfigError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

test("[tls/start] a passphrase opens the key; a certificate that ends soon is warned of", async (context) => {
  const directory = temporaryDirectory(context);
  const { certificate, key } = authority.issue({ passphrase: "secret", validUntilDays: 10 });
  const { logger, lines } = keepingLogger();
  const tlsCertificate = writtenFile(directory, "a.pem", certificate + key);
  const server = await openServer(context, { tlsCertificate, tlsKeyPassphrase: "secret" }, logger);
  await secure(context, server);
  assert(lines.some(({ message }) => message === "a certificate ends soon"));
});

function serverCertificate(context: TestContext): { tlsCertificate: string; tlsKey: string } {
  const directory = temporaryDirectory(context);
  const { certificate, key } = GOOD;
  return {
    tlsCertificate: writtenFile(directory, "server.pem", certificate),
    tlsKey: writtenFile(directory, "server.key", key),
  };
}

function clientCertificates(context: TestContext, tlsClientCertificates: string): Record<string, string> {
  const tlsClientAuthorities = writtenFile(temporaryDirectory(context), "authorities.pem", ca);
  return { ...serverCertificate(context), tlsClientAuthorities, tlsClientCertificates };
}

function issued(name: string): { cert: string; key: string } {
  const { certificate, key } = authority.issue({ subject: [[["O", "Example"]], [["CN", name]]] });
  return { cert: certificate, key };
}

function withDays(validFromDays: number, validUntilDays: number): Record<string, string> {
  return inOneFile({ validFromDays, validUntilDays });
}

function encrypted(): Record<string, string> {
  return inOneFile({ passphrase: "secret" });
}

function inOneFile(options: CertificateOptions): Record<string, string> {
  const { certificate, key } = authority.issue(options);
  return { "a.pem": certificate + key };
}

/** A client that has got through the TLS handshake as far as it can tell. */
async function secure(
  context: TestContext,
  { port }: RunningServer,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca, servername: "localhost", ...options });
  context.after(() => socket.destroy());
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

/** In TLS 1.3 a client thinks itself through before the server has looked at its certificate. */
async function assertDropped(context: TestContext, server: RunningServer, options: ConnectionOptions): Promise<void> {
  const socket = await secure(context, server, options).catch(() => undefined);
  if (socket === undefined) return;
  let answered = false;
  socket.on("data", () => (answered = true));
  socket.write("AMQP\x00\x00\x09\x01", "latin1");
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  assert.equal(answered, false);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
