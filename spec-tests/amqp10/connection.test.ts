import assert from "node:assert/strict";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import type { Connection } from "rhea";
import rhea from "rhea";
import { serveAmqp10 } from "../../src/amqp10/connection.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { LOCAL_PEER } from "../support/test-broker.ts";
import { event, openSender, startAmqp10Broker } from "./test-client.ts";

const SASL_HEADER = Buffer.from("AMQP\x03\x01\x00\x00", "latin1");
const AMQP_HEADER = Buffer.from("AMQP\x00\x01\x00\x00", "latin1");

async function everything(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(stream, "end");
  return Buffer.concat(chunks);
}

test("[sasl] PLAIN logs in, and what the broker says of itself is as RabbitMQ's clients expect it", async (t) => {
  const broker = startAmqp10Broker(t, { product: "RabbitMQ" });
  const client = await broker.client();
  assert.equal(client.properties?.["product"], "RabbitMQ");
  assert.equal(client.channel_max, 63);
  assert.equal(client.idle_time_out, 30_000);
  assert.deepEqual(client["offered_capabilities"], ["LINK_PAIR_V1_0", "ANONYMOUS-RELAY", "SHARED-SUBS"]);
});

test("[sasl] ANONYMOUS is guest, on this machine only", async (t) => {
  const broker = startAmqp10Broker(t);
  const mechanisms = rhea.sasl.client_mechanisms();
  (mechanisms as unknown as { enable_anonymous(name: string): void }).enable_anonymous("somebody");
  const options = { sasl_mechanisms: mechanisms };
  await broker.client(options);
  await assert.rejects(broker.client(options, { loopback: false }), /authenticat/i);
});

test("[sasl] a wrong password is refused with outcome auth", async (t) => {
  const broker = startAmqp10Broker(t);
  await assert.rejects(broker.client({ password: "wrong" }), /authenticat/i);
});

test("[sasl] EXTERNAL is the user that the client's certificate names", async (t) => {
  const broker = startAmqp10Broker(t);
  const stream = broker.stream({ certificateName: "guest" });
  stream.write(SASL_HEADER);
  // sasl-init with mechanism EXTERNAL and an empty response.
  const body = Buffer.concat([
    Buffer.from([0, 0x53, 0x41, 0xc0, 13, 2, 0xa3, 8]),
    Buffer.from("EXTERNAL"),
    Buffer.from([0xa0, 0]),
  ]);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head[4] = 2;
  head[5] = 1;
  stream.write(Buffer.concat([head, body, AMQP_HEADER]));
  let received = Buffer.alloc(0);
  for await (const chunk of stream) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.includes(AMQP_HEADER)) break;
  }
  assert.ok(received.includes("EXTERNAL"));
});

test("[header] a client without SASL is told what is expected, and the connection ends", async (t) => {
  const broker = startAmqp10Broker(t);
  const stream = broker.stream();
  stream.write(AMQP_HEADER);
  assert.deepEqual(await everything(stream), SASL_HEADER);
});

test("[open] hostname vhost:NAME chooses the virtual host", async (t) => {
  const broker = startAmqp10Broker(t);
  broker.broker.createVhost("other");
  assert.match((await broker.refusal({ hostname: "vhost:other" })).message, /access to vhost 'other' refused/);
  broker.broker.permissions.set({ vhost: "other", user: "guest", configure: ".*", write: ".*", read: ".*" });
  await broker.client({ hostname: "vhost:other" });
  assert.equal(broker.broker.usage.vhostConnectionCount("other"), 1);
  const { message } = await broker.refusal({ hostname: "vhost:none" });
  assert.match(message, /amqp:unauthorized-access.*virtual host 'none' does not exist/);
});

test("[open] connections and sessions count against the user's limits", async (t) => {
  const broker = startAmqp10Broker(t);
  const { usage } = broker.broker;
  usage.users.update("guest", { "max-connections": 1, "max-channels": 1 });
  const client = await broker.client();
  await openSender(client, {});
  assert.equal(usage.userChannelCount("guest"), 1);
  assert.match((await broker.refusal({})).message, /user connection limit \(1\) is reached/);
  client.create_session().open();
  const { connection } = await event(client, "connection_error");
  assert.match(String((connection.error as { description?: string }).description), /maximum allowed user limit of 1/);
  assert.equal(usage.userChannelCount("guest"), 0);
  assert.equal(usage.userConnectionCount("guest"), 0);
});

test("[open] an idle-time-out below a second is refused", async (t) => {
  const broker = startAmqp10Broker(t);
  const { message } = await broker.refusal({ idle_time_out: 500 });
  assert.match(message, /amqp:not-allowed idle-time-out \(500 ms\)/);
});

test("[close] shutdown closes with amqp:connection:forced", async (t) => {
  const broker = startAmqp10Broker(t);
  const [mine, theirs] = duplexPair();
  const served = serveAmqp10(broker.broker, theirs, LOCAL_PEER);
  const container = rhea.create_container();
  const connection: Connection = container.create_connection({
    username: "guest",
    password: "guest",
    reconnect: false,
    connection_details: () => ({
      connect: (_port: number, _host: string, _options: object, connected: () => void) => {
        setImmediate(connected);
        return mine;
      },
    }),
  } as never);
  connection.on("disconnected", () => {});
  connection.connect();
  await event(connection, "connection_open");
  served.close("broker forced connection closure with reason 'shutdown'");
  const { connection: closed } = await event(connection, "connection_error");
  assert.equal((closed.error as { condition?: string }).condition, "amqp:connection:forced");
  await served.closed;
  assert.equal(broker.broker.connectionCount, 0);
});

test("[idle-time-out] a silent client is closed, one that is waited for gets empty frames", async (t) => {
  const clock = new ManualClock();
  const broker = startAmqp10Broker(t, { clock, limits: { heartbeatSeconds: 10 } });
  const client = await broker.client({ idle_time_out: 4000 });
  let octets = 0;
  (client as unknown as { socket: Duplex }).socket.on("data", (chunk: Buffer) => {
    octets += chunk.length;
  });
  clock.advance(2000);
  clock.advance(2000);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.ok(octets >= 8, "an empty frame was sent");
  const closed = event(client, "connection_error");
  clock.advance(6_000);
  const { connection } = await closed;
  assert.match(String((connection.error as { condition?: string }).condition), /resource-limit-exceeded/);
});
