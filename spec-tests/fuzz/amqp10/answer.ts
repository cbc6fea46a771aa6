import assert from "node:assert/strict";
import { PERFORMATIVES, readPerformative } from "../../../src/amqp10/codec/performatives.ts";
import type { Typed } from "../../../src/amqp10/codec/types.ts";

const HEAD_BYTES = 8;
/** Where the errors are in the performatives that have one. */
const ERRORS: ReadonlyMap<number, number> = new Map([
  [PERFORMATIVES.detach, 2],
  [PERFORMATIVES.end, 0],
  [PERFORMATIVES.close, 0],
]);

/**
 * Checks that what the broker sent in a whole session is the protocol: well-formed frames, errors that a client can have
 * made, nothing behind a close. Returns the performatives.
 */
export function checkAnswer(octets: Buffer): number[] {
  const codes: number[] = [];
  for (let start = 0; start < octets.length; ) {
    if (octets.toString("latin1", start, start + 4) === "AMQP") {
      start += HEAD_BYTES;
      continue;
    }
    assert.ok(octets.length - start >= HEAD_BYTES, "the broker ended in the middle of a frame head");
    const end = start + octets.readUInt32BE(start);
    assert.ok(end <= octets.length, "the broker ended in the middle of a frame");
    if (end > start + HEAD_BYTES) {
      assert.notEqual(codes.at(-1), PERFORMATIVES.close, "the broker sent something after its close");
      codes.push(checkFrame(octets, start + HEAD_BYTES, end));
    }
    start = end;
  }
  return codes;
}

function checkFrame(octets: Buffer, start: number, end: number): number {
  const { code, fields } = readPerformative(octets, start, end);
  const index = ERRORS.get(code);
  const error = index === undefined ? undefined : (fields.get(index)?.value as readonly Typed[] | undefined);
  if (error !== undefined) {
    const [condition, description] = error.map(({ value }) => String(value));
    assert.match(String(condition), /^amqp:/);
    assert.notEqual(condition, "amqp:internal-error", description);
  }
  return code;
}
