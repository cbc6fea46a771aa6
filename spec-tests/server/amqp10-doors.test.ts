import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import rhea, { type Connection, type ConnectionOptions, type EventContext } from "rhea";
import { WebSocket } from "ws";
import { openServer } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestAuthority, writtenFile } from "../support/test-certificates.ts";

const LOGIN = { username: "guest", password: "guest" };

test("[doors/1.0] rhea passes a message on the port that AMQP 0-9-1 is spoken on", async (context) => {
  const { host, port } = await openServer(context);
  await passesMessage(context, { host, port, ...LOGIN });
});

test("[doors/1.0] rhea passes a message inside TLS, and logs in by its certificate with EXTERNAL", async (context) => {
  const directory = temporaryDirectory(context);
  const authority = new TestAuthority();
  const { certificate, key } = authority.issue();
  const client = authority.issue({ subject: [[["CN", "guest"]]] });
  const { host, port } = await openServer(context, {
    tlsCertificate: writtenFile(directory, "server.pem", certificate + key),
    tlsClientAuthorities: writtenFile(directory, "authorities.pem", authority.certificate),
    tlsClientCertificates: "optional",
    tlsLoginFrom: "commonName",
  });
  const tls = { host, port, transport: "tls", ca: authority.certificate, servername: "localhost" } as const;
  await passesMessage(context, { ...tls, ...LOGIN });
  const external = { cert: client.certificate, key: client.key, enable_sasl_external: true };
  await passesMessage(context, { ...tls, ...external } as unknown as ConnectionOptions);
});

for (const subprotocols of [["binary", "AMQPWSB10", "amqp"], ["AMQPWSB10"], ["amqp"]]) {
  test(`[doors/1.0] rhea's websocket_connect passes a message with the subprotocols ${subprotocols}`, async (context) => {
    const { port } = await openServer(context);
    const connect = rhea.websocket_connect(WebSocket as never) as unknown as (
      url: string,
      subprotocols: readonly string[],
      options: object,
    ) => ConnectionOptions["connection_details"];
    const details = connect(`ws://127.0.0.1:${port}/ws/amqp`, subprotocols, {});
    await passesMessage(context, { connection_details: details, ...LOGIN } as ConnectionOptions);
  });
}

async function passesMessage(context: TestContext, options: ConnectionOptions): Promise<void> {
  const connection: Connection = rhea.create_container().connect({ ...options, reconnect: false });
  context.after(() => connection.close());
  const opened = once(connection, "receiver_open");
  const receiver = connection.open_receiver({ source: { dynamic: true, address: "" } });
  const received = once(connection, "message");
  await opened;
  const sender = connection.open_sender({ target: { address: receiver.source.address as string } });
  await once(sender, "sendable");
  sender.send({ body: "hello" });
  const [{ message }] = (await received) as [EventContext];
  assert.equal(message?.body, "hello");
  const closed = once(connection, "connection_close");
  connection.close();
  await closed;
}
