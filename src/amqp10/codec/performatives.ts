/** The performatives of AMQP 1.0, part 2.7, and the SASL frames of part 5.3.3, as what the broker needs of them. */

import { Amqp10Error } from "../error-condition.ts";
import { Fields } from "./fields.ts";
import { integerOf } from "./type-names.ts";
import { readValue, type Typed } from "./types.ts";
import { checkValue } from "./value-check.ts";

export const PERFORMATIVES = {
  open: 0x10,
  begin: 0x11,
  attach: 0x12,
  flow: 0x13,
  transfer: 0x14,
  disposition: 0x15,
  detach: 0x16,
  end: 0x17,
  close: 0x18,
  saslMechanisms: 0x40,
  saslInit: 0x41,
  saslOutcome: 0x44,
} as const;

const SYMBOLIC: ReadonlyMap<string, number> = new Map(
  ["open", "begin", "attach", "flow", "transfer", "disposition", "detach", "end", "close"].map((name, index) => [
    `amqp:${name}:list`,
    PERFORMATIVES.open + index,
  ]),
);

/** A performative and what follows it in its frame. */
export interface Performative {
  readonly code: number;
  readonly fields: Fields;
  /** Offset of the payload. */
  readonly payloadStart: number;
}

/** @throws Amqp10Error amqp:decode-error */
export function readPerformative(buffer: Buffer, start: number, end: number): Performative {
  const payloadStart = checkValue(buffer, start, end);
  const value = readValue(buffer, start);
  const code = descriptorCode(value, SYMBOLIC);
  if (code === undefined || !Array.isArray(value.value)) {
    throw new Amqp10Error("amqp:decode-error", "a frame has no performative");
  }
  return { code, fields: new Fields(`performative 0x${code.toString(16)}`, value), payloadStart };
}

/** The numeric descriptor of a described value; `symbolic` gives those of symbolic ones. */
export function descriptorCode(value: Typed, symbolic: ReadonlyMap<string, number>): number | undefined {
  const { descriptor } = value;
  if (descriptor === undefined) return undefined;
  const code = integerOf(descriptor);
  return code === undefined ? symbolic.get(String(descriptor.value)) : Number(code);
}
