import { expectTune } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";

methodTest(
  "[connection.update-secret] is answered with update-secret-ok, and the connection goes on",
  async (broker) => {
    const client = await broker.channel();
    await client.call(0, "connection.update-secret", { newSecret: Buffer.from("guest"), reason: "renewal" });
    await client.call(1, "access.request");
  },
);

methodTest(
  "[connection.update-secret] before the connection is open is 504",
  async (broker) => {
    const client = await broker.rawClient();
    await expectTune(client);
    client.send(0, "connection.update-secret", { newSecret: Buffer.from("guest"), reason: "renewal" });
    await client.expectConnectionClose(504, /^CHANNEL_ERROR - /, 10, 70);
  },
  { leveretOnly: "RabbitMQ closes the socket without a word" },
);

methodTest("[connection.update-secret] on a channel is 503 unimplemented method", async (broker) => {
  const client = await broker.channel();
  client.send(1, "connection.update-secret", { newSecret: Buffer.from("guest"), reason: "renewal" });
  await client.expectConnectionClose(503, "COMMAND_INVALID - unimplemented method", 10, 70);
});
