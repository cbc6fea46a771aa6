import assert from "node:assert/strict";
import { once } from "node:events";
import type { NetConnectOpts } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { dial } from "../support/dial.ts";
import { expectStart, handshake, sendStartOk } from "../support/handshake.ts";
import { RawClient } from "../support/raw-client.ts";
import { keepingLogger, openServer } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestAuthority, writtenFile } from "../support/test-certificates.ts";

const HERE = "PROXY TCP4 127.0.0.1 127.0.0.1 50000 5672\r\n";
const AFAR = "PROXY TCP4 192.0.2.7 127.0.0.1 50000 5672\r\n";
/** {@link AFAR} in version 2. */
const AFAR_2 = Buffer.concat([
  Buffer.from("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "latin1"),
  Buffer.from([192, 0, 2, 7, 127, 0, 0, 1, 0xc3, 0x50, 0x16, 0x28]),
]);
const WAIT_MILLISECONDS = 10_000;

for (const [version, header] of [
  [1, AFAR],
  [2, AFAR_2],
] as const) {
  test(`[proxy protocol] the client is who the proxy says, in version ${version}: guest may log in from this machine only`, async (context) => {
    const { logger, lines } = keepingLogger();
    const server = await openServer(context, { proxyProtocol: true }, logger);
    await handshake(await clientBehind(context, server, HERE));

    const client = await clientBehind(context, server, header);
    await expectStart(client);
    sendStartOk(client);
    await client.expectConnectionClose(403, /^ACCESS_REFUSED/, 0, 0);
    const refused = lines.find(({ message }) => message === "login refused");
    assert.equal(refused?.fields["peer"], "192.0.2.7:50000");
  });
}

test("[proxy protocol] a listener behind a proxy is not among the URLs with which clients connect", async (context) => {
  const listeners = [{ port: 0 }, { port: 0, proxyProtocol: true }];
  const { url, urls } = await openServer(context, { proxyProtocol: true, listeners });
  assert.equal(urls.length, 1);
  const client = new RawClient(await dial(context, { port: Number(new URL(urls[0] as string).port) }));
  await handshake(client);
  await client.close();
  assert.notEqual(url, urls[0]);
});

test("[proxy protocol] a connection without a header, or with a malformed one, is dropped without a word", async (context) => {
  const { logger, lines } = keepingLogger();
  const server = await openServer(context, { proxyProtocol: true }, logger);
  for (const opening of ["AMQP\x00\x00\x09\x01", "PROXY TCP4 here there 1 2\r\n"]) {
    const socket = await dial(context, server);
    let answered = false;
    socket.on("data", () => (answered = true));
    socket.write(opening, "latin1");
    await once(socket, "close");
    assert.equal(answered, false);
  }
  const reasons = lines.filter(({ message }) => message === "client dropped").map(({ fields }) => fields["reason"]);
  assert.deepEqual(reasons, [
    "PROXY protocol: it does not begin with a PROXY protocol header",
    "PROXY protocol: an address of version 1 is not of family TCP4",
  ]);
});

test("[proxy protocol] only a proxy that is trusted is listened to", async (context) => {
  const { logger, lines } = keepingLogger();
  const server = await openServer(context, { proxyProtocol: true, proxyTrusted: ["10.0.0.0/8"] }, logger);
  const socket = await dial(context, server);
  socket.write(HERE);
  await once(socket.resume(), "close");
  const dropped = lines.find(({ message }) => message === "client dropped");
  assert.equal(dropped?.fields["reason"], "its address is no proxy's: the option proxyTrusted does not name it");
});

test("[proxy protocol] where none is expected a header is nothing that is understood", async (context) => {
  const socket = await dial(context, await openServer(context));
  const client = new RawClient(socket, WAIT_MILLISECONDS);
  client.write(Buffer.from(HERE));
  assert.deepEqual(await client.expectProtocolHeader(), Buffer.from("AMQP\x00\x00\x09\x01", "latin1"));
});

test("[proxy protocol] it may stand before TLS, and on a Unix socket", async (context) => {
  const directory = temporaryDirectory(context);
  const authority = new TestAuthority();
  const { certificate, key } = authority.issue();
  const path = join(directory, "leveret.sock");
  await openServer(context, {
    tlsCertificate: writtenFile(directory, "server.pem", certificate + key),
    listeners: [{ path, proxyProtocol: true }],
  });
  const socket = await dial(context, { path });
  socket.write(AFAR);
  const secure = connectTls({ socket, ca: authority.certificate, servername: "localhost" });
  await once(secure, "secureConnect");
  const client = new RawClient(secure, WAIT_MILLISECONDS);
  await expectStart(client);
  sendStartOk(client);
  await client.expectConnectionClose(403, /^ACCESS_REFUSED/, 0, 0);
});

async function clientBehind(context: TestContext, where: NetConnectOpts, header: string | Buffer): Promise<RawClient> {
  const socket = await dial(context, {
    host: (where as { host: string }).host,
    port: (where as { port: number }).port,
  });
  socket.write(header);
  return new RawClient(socket, WAIT_MILLISECONDS);
}
