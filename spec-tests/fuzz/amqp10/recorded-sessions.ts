import type { Duplex } from "node:stream";
import { PERFORMATIVES } from "../../../src/amqp10/codec/performatives.ts";
import {
  binary,
  bool,
  composite,
  described,
  encodeValue,
  list,
  NULL,
  string,
  stringMap,
  symbol,
  symbolMap,
  symbols,
  type Typed,
  timestamp,
  ubyte,
  uint,
  ulong,
  uuid,
} from "../../../src/amqp10/codec/types.ts";
import { message, RawClient, source, target } from "../../amqp10/hostile-client.ts";

/** Everything one client sent: protocol headers and frames, one by one. */
export type RecordedSession = readonly Buffer[];

const { attach, begin, close, detach, disposition, end, flow, transfer } = PERFORMATIVES;
const QUEUE_CAPABILITY = symbol("queue");
const ACCEPTED = composite(0x24, []);
const SECTIONS = { header: 0x70, annotations: 0x72, properties: 0x73, application: 0x74, sequence: 0x76, value: 0x77 };

/** Runs realistic sessions with the broker behind `connect` and returns what the clients sent. */
export async function recordSessions(connect: () => Promise<Duplex>): Promise<RecordedSession[]> {
  const sessions: RecordedSession[] = [];
  for (const script of [work, conversions, topics, transactions, management]) {
    const stream = await connect();
    const sent: Buffer[] = [];
    const write = stream.write.bind(stream) as (octets: Uint8Array) => boolean;
    stream.write = ((octets: Uint8Array): boolean => {
      sent.push(Buffer.from(octets));
      return write(octets);
    }) as Duplex["write"];
    const client = new RawClient(stream);
    await client.next(begin);
    await script(client);
    client.send(0, end, []);
    await client.next(end);
    client.send(0, close, []);
    await client.next(close);
    stream.end();
    sessions.push(sent);
  }
  return sessions;
}

/** A queue: publish, receive, settle in every way, drain, detach. */
async function work(client: RawClient): Promise<void> {
  client.sender(0, 0, queueTarget("fuzz10.work"));
  await client.next(flow);
  for (let id = 0; id < 6; id++) client.transfer(0, 0, id, message(`message ${id}`));
  client.transfer(0, 0, 6, message("in two parts").subarray(0, 7), true);
  client.transfer(0, 0, 6, message("in two parts").subarray(7));
  client.transfer(0, 0, 7, message("given up"), true);
  client.send(0, transfer, [uint(0), uint(7), ...nulls(7), bool(true)]);
  client.receiver(0, 1, source("/queues/fuzz10.work"));
  client.credit(0, 1, 5);
  for (let id = 0; id < 5; id++) await client.next(transfer);
  const states = [ACCEPTED, composite(0x25, []), composite(0x26, []), composite(0x27, [bool(true), bool(false)])];
  states.forEach((state, id) => {
    client.send(0, disposition, [bool(true), uint(id), uint(id), bool(true), state]);
  });
  client.send(0, disposition, [bool(true), uint(4), undefined, bool(false), ACCEPTED]);
  client.credit(0, 1, 20, { drain: true });
  await client.next(flow, ({ fields }) => fields.number(4) === 1);
  client.send(0, disposition, [bool(true), uint(0), uint(100), bool(true), ACCEPTED]);
  client.send(0, detach, [uint(1), bool(false)]);
  await client.next(detach);
  client.receiver(0, 1, source("/queues/fuzz10.work"));
  client.send(0, detach, [uint(0), bool(true)]);
  await client.next(detach);
}

/** Messages with all that a message can have, through the anonymous terminus; another session; settle mode second. */
async function conversions(client: RawClient): Promise<void> {
  client.begin(1);
  client.sender(1, 0, queueTarget("fuzz10.conversions"));
  client.sender(1, 2, target(undefined));
  await client.next(flow, ({ fields }) => fields.number(4) === 2);
  const fields = [
    uuid(Buffer.alloc(16, 7)),
    binary(Buffer.from("guest")),
    string("/queues/fuzz10.conversions"),
    string("subject"),
    string("/queues/replies"),
    ulong(7),
    symbol("text/plain"),
    symbol("utf8"),
    timestamp(2_000_000_000_000),
    timestamp(1_700_000_000_000),
    string("group"),
    uint(1),
    string("reply-group"),
  ];
  const values: [string, Typed][] = [
    ["text", string("a")],
    ["number", uint(70_000)],
    ["flag", bool(true)],
    ["octets", binary(Buffer.from("abc"))],
  ];
  const head = Buffer.concat([
    encodeValue(composite(SECTIONS.header, [bool(true), ubyte(3), uint(60_000), bool(true), uint(0)])),
    section(
      SECTIONS.annotations,
      symbolMap([
        ["x-note", list([string("b"), NULL])],
        ["x-basic-type", string("t")],
      ]),
    ),
    encodeValue(composite(SECTIONS.properties, fields)),
    section(SECTIONS.application, stringMap(values)),
  ]);
  client.transfer(1, 2, 0, Buffer.concat([head, message("data")]));
  client.transfer(1, 2, 1, Buffer.concat([head, section(SECTIONS.value, stringMap(values))]));
  client.transfer(1, 2, 2, Buffer.concat([head, section(SECTIONS.sequence, list([uint(1), symbols(["a", "b"])]))]));
  client.transfer(1, 2, 3, message("nowhere to go"));
  client.receiver(1, 1, source("/queues/fuzz10.conversions"), "second", uint(0));
  client.credit(1, 1, 10);
  for (let id = 0; id < 3; id++) await client.next(transfer);
  client.send(1, disposition, [bool(true), uint(0), uint(2), bool(true), ACCEPTED]);
  client.send(1, flow, [uint(3), uint(0), uint(4), uint(100), ...nulls(5), bool(true)]);
  client.send(1, end, []);
  await client.next(end);
}

/** Subscriptions, selectors, dynamic nodes, refused links. */
async function topics(client: RawClient): Promise<void> {
  const selector = described(symbol("apache.org:selector-filter:string"), string("a = 'x' AND b LIKE '%_y%'"));
  const filter = symbolMap([["jms", selector]]);
  const topic = composite(0x28, [string("a.*"), ...nulls(6), filter, ...nulls(2), symbol("topic")]);
  client.receiver(0, 0, topic, "subscription");
  client.receiver(
    0,
    1,
    composite(0x28, [string("a.b"), uint(2), symbol("never"), ...nulls(7), symbol("topic")]),
    "kept",
  );
  client.receiver(0, 2, composite(0x28, [...nulls(4), bool(true)]), "dynamic");
  client.receiver(0, 3, source("/queues/fuzz10.none"));
  for (let handle = 0; handle < 3; handle++) client.credit(0, handle, 5);
  client.sender(0, 4, target("/exchanges/amq.topic/a.b"));
  await client.next(flow);
  const values = section(
    SECTIONS.application,
    stringMap([
      ["a", string("x")],
      ["b", string("1y")],
    ]),
  );
  client.transfer(0, 4, 0, Buffer.concat([values, message("to both")]));
  await client.next(transfer);
  await client.next(transfer);
  client.send(0, detach, [uint(3), bool(true)]);
  client.receiver(
    0,
    5,
    composite(0x28, [string("a.b"), uint(2), symbol("never"), ...nulls(7), symbol("topic")]),
    "kept",
  );
  await client.next(detach);
  client.send(0, detach, [uint(1), bool(true)]);
  client.send(0, detach, [uint(5), bool(true)]);
}

/** Transactions, committed and rolled back. */
async function transactions(client: RawClient): Promise<void> {
  client.sender(0, 0, queueTarget("fuzz10.transactions"));
  client.sender(0, 1, composite(0x30, [symbols(["amqp:local-transactions"])]), "controller");
  client.receiver(0, 2, source("/queues/fuzz10.transactions"));
  client.credit(0, 2, 10);
  await client.next(flow, ({ fields }) => fields.number(4) === 1);
  client.transfer(0, 0, 0, message("before"));
  await client.next(transfer);
  for (const [index, isRolledBack] of [true, false].entries()) {
    const first = 10 + index * 10;
    client.transfer(0, 1, first, section(SECTIONS.value, composite(0x31, [])));
    const declared = await client.next(disposition, ({ fields }) => fields.number(1) === first);
    const id = listOf(declared.fields.get(4))[0];
    client.transfer(0, 0, first + 1, message("within"), false, composite(0x34, [id]));
    client.send(0, disposition, [bool(true), uint(0), uint(0), bool(false), composite(0x34, [id, ACCEPTED])]);
    client.transfer(0, 1, first + 2, section(SECTIONS.value, composite(0x32, [id, bool(isRolledBack)])));
    await client.next(disposition, ({ fields }) => fields.number(1) === first + 2);
  }
}

/** Every request that the management node knows. */
async function management(client: RawClient): Promise<void> {
  const node = [source("/management"), target("/management")];
  const paired = symbolMap([["paired", bool(true)]]);
  for (const receives of [true, false]) {
    const fields = [string("pair"), uint(receives ? 1 : 0), bool(receives), ...nulls(2), ...node, ...nulls(2), uint(0)];
    client.send(0, attach, [...fields, ...nulls(3), paired]);
  }
  client.credit(0, 1, 100);
  await client.next(flow);
  const map = stringMap([
    ["durable", bool(true)],
    ["arguments", stringMap([["x-max-length", ulong(5)]])],
  ]);
  const binding = stringMap([
    ["source", string("fuzz10.exchange")],
    ["destination_queue", string("fuzz10.managed")],
    ["binding_key", string("k")],
    ["arguments", stringMap([["x", string("y")]])],
  ]);
  const requests: [string, string, Typed][] = [
    ["PUT", "/queues/fuzz10.managed", map],
    ["GET", "/queues/fuzz10.managed", NULL],
    ["PUT", "/exchanges/fuzz10.exchange", stringMap([["type", string("topic")]])],
    ["POST", "/bindings", binding],
    ["GET", "/bindings?src=fuzz10.exchange&dstq=fuzz10.managed&key=k", NULL],
    ["DELETE", "/bindings/src=fuzz10.exchange;dstq=fuzz10.managed;key=k;args=", NULL],
    ["DELETE", "/queues/fuzz10.managed/messages", NULL],
    ["DELETE", "/exchanges/fuzz10.exchange", NULL],
    ["DELETE", "/queues/fuzz10.managed", NULL],
  ];
  for (const [id, [method, path, body]] of requests.entries()) {
    const properties = composite(SECTIONS.properties, [
      uint(id),
      undefined,
      string(path),
      string(method),
      string("$me"),
    ]);
    client.transfer(0, 0, id, Buffer.concat([encodeValue(properties), section(SECTIONS.value, body)]));
    await client.next(transfer);
  }
}

function listOf(value: Typed | undefined): readonly Typed[] {
  return (value?.value ?? []) as readonly Typed[];
}

function nulls(count: number): undefined[] {
  return Array.from({ length: count }, () => undefined);
}

function queueTarget(name: string): Typed {
  return composite(0x29, [string(name), ...nulls(5), QUEUE_CAPABILITY]);
}

function section(code: number, value: Typed): Buffer {
  return Buffer.concat([Buffer.of(0, 0x53, code), encodeValue(value)]);
}
