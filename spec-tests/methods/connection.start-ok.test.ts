import { encodeTableBody, tableFrom } from "../../src/wire/field-table.ts";
import { expectStart, expectTune, handshake, plainResponse, sendStartOk } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";

const EXPLAINED = "RabbitMQ closes the socket without a word";

function refusal(mechanism: string): string {
  return `ACCESS_REFUSED - Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`;
}

methodTest("[connection.start-ok/PLAIN] user and password log in", async (broker) => {
  await expectTune(await broker.rawClient(), { mechanism: "PLAIN", response: plainResponse("guest", "guest") });
});

methodTest("[connection.start-ok/AMQPLAIN] LOGIN and PASSWORD, a table without its length, log in", async (broker) => {
  const response = encodeTableBody(tableFrom({ LOGIN: "guest", PASSWORD: "guest" }));
  await expectTune(await broker.rawClient(), { mechanism: "AMQPLAIN", response });
});

methodTest("[connection.start-ok] any locale is accepted", async (broker) => {
  await expectTune(await broker.rawClient(), { locale: "de_AT" });
});

methodTest("[connection.start-ok] client properties are free", async (broker) => {
  const clientProperties = tableFrom({ product: "test", connection_name: "mine", nested: { list: [1, "a", null] } });
  await expectTune(await broker.rawClient(), { clientProperties });
});

for (const [title, options] of [
  ["a wrong password", { password: "wrong" }],
  ["an unknown user", { username: "nobody" }],
  ["an empty password", { password: "" }],
] as const) {
  methodTest(
    `[connection.start-ok] ${title} is 403 Login was refused using authentication mechanism PLAIN`,
    async (broker) => {
      const client = await broker.rawClient();
      await expectStart(client);
      sendStartOk(client, options);
      await client.expectConnectionClose(403, refusal("PLAIN"), 0, 0);
      await client.expectEnd();
    },
  );
}

methodTest("[connection.start-ok/AMQPLAIN] a wrong password is 403 too", async (broker) => {
  const client = await broker.rawClient();
  await expectStart(client);
  const response = encodeTableBody(tableFrom({ LOGIN: "guest", PASSWORD: "wrong" }));
  sendStartOk(client, { mechanism: "AMQPLAIN", response });
  await client.expectConnectionClose(403, refusal("AMQPLAIN"), 0, 0);
});

methodTest(
  "[connection.start-ok] a client without authentication_failure_close is told as well",
  async (broker) => {
    const client = await broker.rawClient();
    await expectStart(client);
    sendStartOk(client, { password: "wrong", capabilities: {} });
    await client.expectConnectionClose(403, refusal("PLAIN"), 0, 0);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest(
  "[connection.start-ok] guest from elsewhere than loopback is 403",
  async (broker) => {
    const client = await broker.rawClient({ host: "192.0.2.1", loopback: false });
    await expectStart(client);
    sendStartOk(client);
    await client.expectConnectionClose(403, refusal("PLAIN"), 0, 0);
    await client.expectEnd();
  },
  { leveretOnly: "pretends to another address" },
);

methodTest(
  "[connection.start-ok] an unknown mechanism is 503 with its name",
  async (broker) => {
    const client = await broker.rawClient();
    await expectStart(client);
    sendStartOk(client, { mechanism: "KERBEROS_V9" });
    await client.expectConnectionClose(503, /^COMMAND_INVALID - .*KERBEROS_V9/, 10, 11);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

for (const [title, mechanism, response] of [
  ["PLAIN without separators", "PLAIN", "guestguest"],
  ["an empty PLAIN response", "PLAIN", ""],
  ["PLAIN with one separator", "PLAIN", "\0guest"],
  ["AMQPLAIN that is no table", "AMQPLAIN", "\x05LOGINSxxx"],
  ["AMQPLAIN without PASSWORD", "AMQPLAIN", "\x05LOGINS\0\0\0\x05guest"],
] as const) {
  methodTest(
    `[connection.start-ok] ${title} is 502 SYNTAX_ERROR`,
    async (broker) => {
      const client = await broker.rawClient();
      await expectStart(client);
      sendStartOk(client, { mechanism, response: Buffer.from(response, "latin1") });
      await client.expectConnectionClose(502, /^SYNTAX_ERROR - /, 10, 11);
      await client.expectEnd();
    },
    { leveretOnly: EXPLAINED },
  );
}

methodTest(
  "[connection.start-ok/PLAIN] an authorization identity is 502 SYNTAX_ERROR",
  async (broker) => {
    const client = await broker.rawClient();
    await expectStart(client);
    sendStartOk(client, { response: plainResponse("guest", "guest", "admin") });
    await client.expectConnectionClose(502, /^SYNTAX_ERROR - .*authorization identity/, 10, 11);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest("[connection.start-ok] a second one, on an open connection, is 504", async (broker) => {
  const client = await broker.connect();
  sendStartOk(client);
  await client.expectConnectionClose(504, "CHANNEL_ERROR - unexpected method in connection state running", 10, 11);
});

for (const [title, name] of [
  ["connection.open", "connection.open"],
  ["connection.tune-ok", "connection.tune-ok"],
] as const) {
  methodTest(
    `[connection.start-ok] ${title} in its place is 504`,
    async (broker) => {
      const client = await broker.rawClient();
      await expectStart(client);
      client.send(0, name);
      const methodId = name === "connection.open" ? 40 : 31;
      await client.expectConnectionClose(504, /^CHANNEL_ERROR - /, 10, methodId);
      await client.expectEnd();
    },
    { leveretOnly: EXPLAINED },
  );
}

methodTest(
  "[connection.start-ok] a channel method in its place is 504",
  async (broker) => {
    const client = await broker.rawClient();
    await expectStart(client);
    client.send(1, "channel.open");
    await client.expectConnectionClose(504, /^CHANNEL_ERROR - /, 0, 0);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest("[connection.start-ok] a failed login leaves the broker serving others", async (broker) => {
  const refused = await broker.rawClient();
  await expectStart(refused);
  sendStartOk(refused, { password: "wrong" });
  await handshake(await broker.rawClient());
});
