import {
  array,
  type FieldTable,
  type FieldValue,
  long,
  longstr,
  type PlainFieldValue,
} from "../../../wire/field-table.ts";

/** Why a message left a queue other than by being consumed. RabbitMQ: "Dead Letter Exchanges". */
export const DEATH_REASONS = ["rejected", "expired", "maxlen", "delivery_limit"] as const;

export type DeathReason = (typeof DEATH_REASONS)[number];

/** One way for a message to leave a queue. */
export interface Death {
  readonly queue: string;
  readonly reason: DeathReason;
  /** Seconds since the Unix epoch. */
  readonly timeSeconds: number;
  /** The exchange the message had been published to. */
  readonly exchange: string;
  /** Its routing keys, CC included and BCC not. */
  readonly routingKeys: readonly string[];
  /** The expiration it had, which it loses by dying. */
  readonly originalExpiration: string | undefined;
}

/**
 * The headers of a message after `death`. x-death lists its deaths, latest first, one entry for each queue and reason
 * with a count; the entry of a death that happened before moves to the front and keeps what the first has said.
 *
 * @param headers its headers before
 * @param trusted whether an x-death in them is the broker's own; a client's is dropped
 */
export function headersAfterDeath(headers: FieldTable, trusted: boolean, death: Death): FieldTable {
  const after = new Map(headers);
  const earlier = trusted ? deathEntries(headers) : [];
  const same = earlier.find((entry) => isDeathOf(entry, death.queue, death.reason));
  const entries = [
    same === undefined ? deathEntry(death) : deathAgain(same),
    ...earlier.filter((entry) => entry !== same),
  ];
  after.set("x-death", { type: "array", value: entries.map((value) => ({ type: "table", value })) });
  if (!trusted || !after.has("x-first-death-queue")) {
    after.set("x-first-death-queue", longstr(death.queue));
    after.set("x-first-death-reason", longstr(death.reason));
    after.set("x-first-death-exchange", longstr(death.exchange));
  }
  after.set("x-last-death-queue", longstr(death.queue));
  after.set("x-last-death-reason", longstr(death.reason));
  after.set("x-last-death-exchange", longstr(death.exchange));
  return after;
}

/**
 * Whether a message that has died as `headers` say would go round in a circle by reaching `queue`: it has died there
 * already, and no client has rejected it since.
 */
export function isDeathCycle(headers: FieldTable, queue: string): boolean {
  for (const entry of deathEntries(headers)) {
    if (entry.get("reason")?.value === "rejected") return false;
    if (entry.get("queue")?.value === queue) return true;
  }
  return false;
}

function deathEntries(headers: FieldTable): FieldTable[] {
  const deaths = headers.get("x-death");
  if (deaths?.type !== "array") return [];
  return deaths.value.filter((entry) => entry.type === "table").map((entry) => entry.value as FieldTable);
}

function isDeathOf(entry: FieldTable, queue: string, reason: DeathReason): boolean {
  return entry.get("queue")?.value === queue && entry.get("reason")?.value === reason;
}

function deathEntry(death: Death): FieldTable {
  const entry = new Map<string, FieldValue>();
  if (death.originalExpiration !== undefined) entry.set("original-expiration", longstr(death.originalExpiration));
  entry.set("count", long(1));
  entry.set("reason", longstr(death.reason));
  entry.set("queue", longstr(death.queue));
  entry.set("time", { type: "timestamp", value: BigInt(death.timeSeconds) });
  entry.set("exchange", longstr(death.exchange));
  entry.set("routing-keys", array(death.routingKeys as readonly PlainFieldValue[]));
  return entry;
}

/** The entry of a death that has happened once more. */
function deathAgain(entry: FieldTable): FieldTable {
  const count = entry.get("count");
  return new Map(entry).set("count", long(count?.type === "long" ? count.value + 1n : 1));
}
