import type { Outcome } from "../core/session/transaction.ts";
import type { FieldTable } from "../wire/field-table.ts";
import { Fields } from "./codec/fields.ts";
import { descriptorCode } from "./codec/performatives.ts";
import { bool, composite, type Typed } from "./codec/types.ts";
import { headersFromModified } from "./conversion/modified-annotations.ts";
import { type Amqp10Error, errorField } from "./error-condition.ts";

const RECEIVED = 0x23;
const ACCEPTED = 0x24;
const REJECTED = 0x25;
const RELEASED = 0x26;
const MODIFIED = 0x27;
const TRANSACTIONAL_STATE = 0x34;

const SYMBOLIC: ReadonlyMap<string, number> = new Map([
  ["amqp:received:list", RECEIVED],
  ["amqp:accepted:list", ACCEPTED],
  ["amqp:rejected:list", REJECTED],
  ["amqp:released:list", RELEASED],
  ["amqp:modified:list", MODIFIED],
  ["amqp:transactional-state:list", TRANSACTIONAL_STATE],
]);

const UNDECIDED: DeliveryState = { outcome: undefined, headers: undefined, transactionId: undefined };

export const acceptedState = (): Typed => composite(ACCEPTED, []);
export const releasedState = (): Typed => composite(RELEASED, []);
export const rejectedState = (error: Amqp10Error): Typed => composite(REJECTED, [errorField(error)]);

/** The delivery state that says `outcome`. */
export function outcomeState(outcome: Outcome): Typed {
  switch (outcome) {
    case "accepted":
      return acceptedState();
    case "released":
      return releasedState();
    case "failed":
      return composite(MODIFIED, [bool(true)]);
    case "rejected":
      return composite(REJECTED, []);
    case "failed-for-good":
      return composite(MODIFIED, [bool(true), bool(true)]);
  }
}

/** What a delivery state says. */
export interface DeliveryState {
  /** Undefined: nothing is decided yet. */
  readonly outcome: Outcome | undefined;
  /** Headers that a message which is given back is to have from now on. */
  readonly headers: FieldTable | undefined;
  /** The transaction it belongs to. */
  readonly transactionId: Buffer | undefined;
}

/** `outcome` as part of a transaction. */
export function transactionalState(transactionId: Typed, outcome: Typed): Typed {
  return composite(TRANSACTIONAL_STATE, [transactionId, outcome]);
}

/**
 * Reads a delivery state. Modified means failed if it says delivery-failed, and rejected if it says undeliverable-here:
 * with the one other place for it being the dead letter exchange.
 *
 * @throws Amqp10Error amqp:decode-error; amqp:resource-limit-exceeded for annotations that are too large
 */
export function readState(state: Typed | undefined): DeliveryState {
  if (state === undefined) return UNDECIDED;
  const code = descriptorCode(state, SYMBOLIC);
  const fields = new Fields("delivery state", state);
  if (code === TRANSACTIONAL_STATE) return { ...readState(fields.get(1)), transactionId: fields.octets(0) };
  const headers = code === MODIFIED ? headersFromModified(fields.get(2)) : undefined;
  return { outcome: outcomeOf(code, fields), headers, transactionId: undefined };
}

function outcomeOf(code: number | undefined, fields: Fields): Outcome | undefined {
  switch (code) {
    case ACCEPTED:
      return "accepted";
    case REJECTED:
      return "rejected";
    case RELEASED:
      return "released";
    case MODIFIED:
      if (fields.flag(1)) return "rejected";
      return fields.flag(0) ? "failed" : "released";
    default:
      return undefined;
  }
}
