import assert from "node:assert/strict";
import { FRAME_END, FRAME_HEAD_BYTES, FRAME_HEARTBEAT, PROTOCOL_HEADER } from "../../src/wire/frame.ts";
import type { MethodArguments } from "../../src/wire/methods.ts";
import { REPLY_CODES, type ReplyName } from "../../src/wire/reply-codes.ts";
import { type Received, ReceivedParser } from "../support/received.ts";

type Close = MethodArguments<"connection.close">;

const CONNECTION_CLASS = 10;
/** What ends a session before it begins: the header that is understood, or that of AMQP 1.0 when one cut short goes on like it. */
const HEADERS: readonly Buffer[] = [PROTOCOL_HEADER, Buffer.from("AMQP\x03\x01\x00\x00", "latin1")];
/** What never answers a client's mistake: an operator's close, and an admission that the broker is at fault. */
const NEVER: readonly ReplyName[] = ["REPLY_SUCCESS", "CONNECTION_FORCED", "INTERNAL_ERROR"];
/** Errors that RabbitMQ ends a connection with although they belong to a channel: those during login. */
const LOGIN_ERRORS: readonly number[] = [REPLY_CODES.ACCESS_REFUSED.code];
/** Errors that end a channel: the soft ones of the specification. */
const CHANNEL_ERRORS = codes("channel");
const CONNECTION_ERRORS = [...codes("connection"), ...LOGIN_ERRORS];

/** A method of the connection class by which an answer can be known to be complete. */
export const ENDINGS = { "connection.close": 50, "connection.close-ok": 51 } as const;

/**
 * Checks that what the broker sent in a whole session is the protocol: legal frames, contents in one piece, closes
 * with a code of their scope and a text that begins with its name, nothing after connection.close. Returns the methods.
 */
export function checkAnswer(bytes: Buffer): Received[] {
  if (HEADERS.some((header) => bytes.equals(header))) return [];
  const parser = new ReceivedParser();
  const methods: Received[] = [];
  let isClosed = false;
  for (const frame of framesOf(bytes)) {
    if (frame.type === FRAME_HEARTBEAT) continue;
    const received = parser.push(frame);
    if (received === undefined) continue;
    const { name } = received;
    assert.ok(!isClosed || name === "connection.close-ok", `the broker sent ${name} after connection.close`);
    if (name === "channel.close") checkClose(received, CHANNEL_ERRORS);
    if (name === "connection.close") checkClose(received, CONNECTION_ERRORS);
    isClosed ||= name === "connection.close";
    methods.push(received);
  }
  return methods;
}

/** The reply code with which the broker closed the connection, if it did. */
export function closeCodeOf(methods: readonly Received[]): number | undefined {
  const close = methods.find(({ name }) => name === "connection.close");
  return (close?.args as Close | undefined)?.replyCode;
}

/** Whether an answer so far, which may end in the middle of a frame, has got to the method. */
export function hasEnding(bytes: Buffer, name: keyof typeof ENDINGS): boolean {
  const ids = Buffer.of(0, CONNECTION_CLASS, 0, ENDINGS[name]);
  let start = 0;
  while (bytes.length - start >= FRAME_HEAD_BYTES + ids.length) {
    const payload = start + FRAME_HEAD_BYTES;
    if (bytes.readUInt16BE(start + 1) === 0 && bytes.subarray(payload, payload + ids.length).equals(ids)) return true;
    start = payload + bytes.readUInt32BE(start + 3) + 1;
  }
  return false;
}

function checkClose(received: Received, allowed: readonly number[]): void {
  const close = received.args as Close;
  const text = `${received.name} ${close.replyCode} ${close.replyText}`;
  assert.ok(allowed.includes(close.replyCode), `not an answer to a client's mistake: ${text}`);
  const name = Object.entries(REPLY_CODES).find(([, { code }]) => code === close.replyCode)?.[0];
  assert.ok(close.replyText.startsWith(`${name} - `), `the text does not begin with the code's name: ${text}`);
}

function codes(scope: "channel" | "connection"): number[] {
  const entries = Object.entries(REPLY_CODES).filter(([name]) => !NEVER.includes(name as ReplyName));
  return entries.filter(([, reply]) => reply.scope === scope).map(([, { code }]) => code);
}

function* framesOf(bytes: Buffer): Iterable<{ type: number; channel: number; payload: Buffer }> {
  let start = 0;
  while (start < bytes.length) {
    assert.ok(bytes.length - start > FRAME_HEAD_BYTES, "the broker ended in the middle of a frame head");
    const end = start + FRAME_HEAD_BYTES + bytes.readUInt32BE(start + 3) + 1;
    assert.ok(end <= bytes.length, "the broker ended in the middle of a frame");
    assert.equal(bytes[end - 1], FRAME_END, "the broker sent a wrong frame-end octet");
    const payload = bytes.subarray(start + FRAME_HEAD_BYTES, end - 1);
    yield { type: bytes.readUInt8(start), channel: bytes.readUInt16BE(start + 1), payload };
    start = end;
  }
}
