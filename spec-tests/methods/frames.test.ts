import { encodeTableBody, tableFrom } from "../../src/wire/field-table.ts";
import { FRAME_BODY, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD } from "../../src/wire/frame.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, expectReady } from "../support/queues.ts";
import { frameBytes, methodPayload } from "../support/raw-frames.ts";

/** The payload of access.request: a method without a string that is checked. */
const ACCESS_REQUEST = methodPayload(30, 10, Buffer.from([0, 0]));

/** Class ids and method ids, written out so that the tests do not take the broker's table for granted. */
const IDS = {
  "queue.declare-ok": [50, 11],
  "channel.open-ok": [20, 11],
  "basic.consume-ok": [60, 21],
  "tx.select-ok": [90, 11],
  "connection.start": [10, 10],
  "queue.declare": [50, 10],
  "tx.select": [90, 10],
  "channel.close": [20, 40],
  "access.request": [30, 10],
  "connection.close": [10, 50],
  "connection.open": [10, 40],
  "connection.tune-ok": [10, 31],
} as const;

methodTest("[frames] a frame may come octet by octet", async (broker) => {
  const client = await broker.channel();
  for (const octet of frameBytes(FRAME_METHOD, 1, ACCESS_REQUEST)) client.write(Buffer.from([octet]));
  await client.expect(1, "access.request-ok");
});

methodTest("[frames] many frames may come at once", async (broker) => {
  const client = await broker.channel();
  const frame = frameBytes(FRAME_METHOD, 1, ACCESS_REQUEST);
  client.write(Buffer.concat(Array.from({ length: 50 }, () => frame)));
  for (let index = 0; index < 50; index++) await client.expect(1, "access.request-ok");
});

methodTest("[frames/frame-end] a wrong frame-end octet is 501 {invalid_frame_end_marker,N}", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_METHOD, 1, ACCESS_REQUEST, 65);
  const text = "FRAME_ERROR - type 1, all octets = <<0,30,0,10,0,0>>: {invalid_frame_end_marker,65}";
  await client.expectConnectionClose(501, text, 0, 0);
  await client.expectEnd();
});

methodTest("[frames/frame-end] of a long frame only the first 16 octets are told", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_METHOD, 1, methodPayload(30, 10, Buffer.alloc(60)), 0);
  const text = /^FRAME_ERROR - type 1, first 16 octets = <<0,30,0,10(,0){12}>>: \{invalid_frame_end_marker,\s*0\}$/;
  await client.expectConnectionClose(501, text, 0, 0);
});

methodTest("[frames/frame-max] a payload above frame_max is 501 {frame_too_large,GOT,MAX}", async (broker) => {
  const client = await broker.channel({ frameMax: 8192 });
  client.sendFrame(FRAME_BODY, 1, Buffer.alloc(8193));
  const text = "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,8193,8184}";
  await client.expectConnectionClose(501, text, 0, 0);
  await client.expectEnd();
});

methodTest("[frames/frame-max] a payload of frame_max passes: the 8 octets around it are tolerated", async (broker) => {
  const client = await broker.channel({ frameMax: 8192 });
  const queue = await declareQueue(broker, client);
  client.frameBytesMax = 8200;
  client.publish(1, { routingKey: queue }, Buffer.alloc(8192));
  await expectReady(client, queue, 1);
});

methodTest(
  "[frames/frame-max] a large size announced before the tune-ok is refused, and others are served on",
  async (broker) => {
    const client = await broker.rawClient();
    client.write(Buffer.from("AMQP\x00\x00\x09\x01", "latin1"));
    await client.expect(0, "connection.start");
    client.write(Buffer.from([FRAME_METHOD, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 10, 0, 11]));
    await broker.channel();
  },
);

for (const type of [0, 4, 5, 9, 255]) {
  methodTest(`[frames/type] type ${type} is 501 unknown_frame`, async (broker) => {
    const client = await broker.channel();
    client.sendFrame(type, 1, Buffer.from([1, 2, 3]));
    await client.expectConnectionClose(501, `FRAME_ERROR - type ${type}, all octets = <<1,2,3>>: unknown_frame`, 0, 0);
    await client.expectEnd();
  });
}

methodTest("[frames/heartbeat] with payload is 501 unknown_frame", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_HEARTBEAT, 0, Buffer.from([1]));
  await client.expectConnectionClose(501, "FRAME_ERROR - type 8, all octets = <<1>>: unknown_frame", 0, 0);
});

methodTest("[frames/heartbeat] on a channel is 505", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_HEARTBEAT, 1, Buffer.alloc(0));
  await client.expectConnectionClose(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>", 0, 0);
});

methodTest("[frames/method] of 1 octet is 501 unknown_frame", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_METHOD, 1, Buffer.from([1]));
  await client.expectConnectionClose(501, "FRAME_ERROR - type 1, all octets = <<1>>: unknown_frame", 0, 0);
});

for (const [name, type] of [
  ["header", FRAME_HEADER],
  ["body", FRAME_BODY],
] as const) {
  methodTest(`[frames/channel-0] a ${name} frame on channel 0 ends the connection`, async (broker) => {
    const client = await broker.channel();
    client.sendFrame(type, 0, Buffer.alloc(20));
    await client.expectConnectionClose(505, /^UNEXPECTED_FRAME - /, 0, 0);
  });
}

methodTest("[frames/arguments] truncated arguments are 501 cannot decode <<...>>", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_METHOD, 1, methodPayload(50, 10, Buffer.from([0, 0, 10, 97])));
  await client.expectConnectionClose(501, "FRAME_ERROR - cannot decode <<0,0,10,97>>", 50, 10);
  await client.expectEnd();
});

methodTest("[frames/arguments] no arguments at all are 501 cannot decode <<>>", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_METHOD, 1, methodPayload(50, 10));
  await client.expectConnectionClose(501, "FRAME_ERROR - cannot decode <<>>", 50, 10);
});

methodTest("[frames/arguments] octets behind the arguments are 501 cannot decode", async (broker) => {
  const client = await broker.channel();
  client.sendFrame(FRAME_METHOD, 1, methodPayload(90, 10, Buffer.from([1])));
  await client.expectConnectionClose(501, "FRAME_ERROR - cannot decode <<1>>", 90, 10);
});

/** The arguments of queue.declare with the octets of a name, the octet of flags and the arguments table. */
function declareArguments(name: Uint8Array, table: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(table.length);
  return Buffer.concat([Buffer.from([0, 0, name.length]), name, Buffer.from([0b100]), length, table]);
}

methodTest("[frames/arguments] a shortstr that is not UTF-8 is 501 Malformed UTF-8 in shortstr", async (broker) => {
  const client = await broker.channel();
  const args = declareArguments(Buffer.from([0xff, 0xfe]), Buffer.alloc(0));
  client.sendFrame(FRAME_METHOD, 1, methodPayload(50, 10, args));
  await client.expectConnectionClose(501, "FRAME_ERROR - Malformed UTF-8 in shortstr", 0, 0);
});

methodTest("[frames/arguments] methods with content are not checked for UTF-8", async (broker) => {
  const client = await broker.channel();
  const args = Buffer.from([0, 0, 0, 2, 0xff, 0xfe, 0]);
  client.sendFrame(FRAME_METHOD, 1, methodPayload(60, 40, args));
  client.sendContent(1, "");
  await client.expectNothing(1);
});

methodTest("[frames/table] every type code is read", async (broker) => {
  const client = await broker.channel();
  const args = new Map([
    ...tableFrom({ S: "text", l: 1, d: 0.5, t: true, F: { a: 1 }, A: [1, "x"], x: Buffer.from("x"), V: null }),
    ["I", { type: "signedint", value: -1 }],
    ["i", { type: "unsignedint", value: 1 }],
    ["s", { type: "short", value: -1 }],
    ["u", { type: "unsignedshort", value: 1 }],
    ["b", { type: "byte", value: -1 }],
    ["B", { type: "unsignedbyte", value: 1 }],
    ["f", { type: "float", value: 0.5 }],
    ["T", { type: "timestamp", value: 1n }],
    ["D", { type: "decimal", value: { scale: 2, unscaled: 314 } }],
  ] as const);
  const queue = broker.name("queue");
  await client.call(1, "queue.declare", { queue, exclusive: true, arguments: args });
  const raw = declareArguments(Buffer.from(broker.name("queue")), Buffer.from("\x01LL\0\0\0\0\0\0\0\x07", "latin1"));
  client.sendFrame(FRAME_METHOD, 1, methodPayload(50, 10, raw));
  await client.expect(1, "queue.declare-ok");
});

for (const [title, table] of [
  ["an unknown type code", Buffer.from("\x01aQ\0", "latin1")],
  ["the type code U of the printed specification", Buffer.from("\x01aU\0\x01", "latin1")],
] as const) {
  methodTest(
    `[frames/table] ${title} is 502 SYNTAX_ERROR`,
    async (broker) => {
      const client = await broker.channel();
      const args = declareArguments(Buffer.from("queue"), table);
      client.sendFrame(FRAME_METHOD, 1, methodPayload(50, 10, args));
      await client.expectConnectionClose(502, /^SYNTAX_ERROR - .*type/, 50, 10);
      await client.expectEnd();
    },
    { leveretOnly: "RabbitMQ's reader crashes" },
  );
}

methodTest(
  "[frames/table] tables nested without end are refused, and others are served on",
  async (broker) => {
    const client = await broker.channel();
    let table = tableFrom({});
    for (let depth = 0; depth < 1000; depth++) table = new Map([["a", { type: "table", value: table }]]);
    const args = declareArguments(Buffer.from("queue"), encodeTableBody(table));
    client.sendFrame(FRAME_METHOD, 1, methodPayload(50, 10, args));
    await client.expectConnectionClose(502, /^SYNTAX_ERROR - /, 50, 10);
    await broker.channel();
  },
  { leveretOnly: "RabbitMQ has no limit" },
);

for (const [classId, methodId] of [
  [60, 200],
  [99, 10],
  [110, 10],
] as const) {
  methodTest(
    `[frames/method] the unknown method ${classId}.${methodId} is 503 COMMAND_INVALID`,
    async (broker) => {
      const client = await broker.channel();
      client.sendFrame(FRAME_METHOD, 1, methodPayload(classId, methodId));
      await client.expectConnectionClose(503, /^COMMAND_INVALID - /, classId, methodId);
      await client.expectEnd();
    },
    { leveretOnly: "RabbitMQ's reader crashes" },
  );
}

for (const name of [
  "queue.declare-ok",
  "channel.open-ok",
  "basic.consume-ok",
  "tx.select-ok",
  "connection.start",
] as const) {
  methodTest(`[frames/method] ${name} on a channel from the client is 503 unimplemented method`, async (broker) => {
    const client = await broker.channel();
    const [classId, methodId] = IDS[name];
    client.send(1, name);
    await client.expectConnectionClose(503, "COMMAND_INVALID - unimplemented method", classId, methodId);
  });
}

for (const name of ["queue.declare", "tx.select", "channel.close", "access.request"] as const) {
  methodTest(
    `[frames/channel-0] ${name} on channel 0 is 504 unexpected method in connection state running`,
    async (broker) => {
      const client = await broker.channel();
      client.send(0, name);
      const text = "CHANNEL_ERROR - unexpected method in connection state running";
      const [classId, methodId] = IDS[name];
      await client.expectConnectionClose(504, text, classId, methodId);
    },
  );
}

for (const name of ["connection.close", "connection.open", "connection.tune-ok"] as const) {
  methodTest(`[frames/method] ${name} on a channel is 503 unimplemented method`, async (broker) => {
    const client = await broker.channel();
    const [classId, methodId] = IDS[name];
    client.send(1, name);
    await client.expectConnectionClose(503, "COMMAND_INVALID - unimplemented method", classId, methodId);
  });
}
