import { once } from "node:events";
import { connect } from "node:net";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import {
  binary,
  bool,
  composite,
  described,
  encodeValue,
  readValue,
  string,
  type Typed,
  uint,
  ulong,
} from "../../src/amqp10/codec/types.ts";
import { dataRange, readSections, SECTIONS, type Section } from "../../src/amqp10/conversion/sections.ts";
import { RawClient, type ReceivedFrame, source, target } from "../amqp10/hostile-client.ts";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { bodyOf, numberOf } from "./messages.ts";
import type { Role } from "./roles.ts";
import type { TransferLedger } from "./transfer-ledger.ts";

const BATCH_MAX = 8;
const ROLLBACK_PROBABILITY = 0.3;
const WINDOW = 5_000;
/** Octets of a message in one transfer; longer ones take several. */
const PAYLOAD_BYTES_MAX = 50_000;

const DECLARE = 0x31;
const DISCHARGE = 0x32;
const TRANSACTIONAL_STATE = 0x34;
const ACCEPTED = 0x24;
const REJECTED = 0x25;
const COORDINATOR = composite(0x30, []);

/** How far a transaction has got. */
export const STAGES = ["declared", "transferred", "discharging"] as const;

/** Where a mover stops, to be killed there. */
export interface Stop {
  readonly stage: (typeof STAGES)[number];
  /** Transactions it ends before. */
  readonly after: number;
  /** Called when it has got there. */
  readonly reached: () => void;
}

interface Moved {
  readonly deliveryId: number;
  readonly number: number;
}

/** Handles of the links. */
const SOURCE = 0;
const TARGETS = [1, 2] as const;
const CONTROLLER = 3;

/**
 * Moves messages from the source to both targets in transactions of AMQP 1.0, several at a time; some are rolled back
 * first.
 */
export function amqp10Mover(ledger: TransferLedger, random: SeededRandom, stop: Stop): Role {
  return async (url) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const lost = once(socket, "close").then(() => Promise.reject(new Error("the connection was lost")));
    await Promise.race([lost, new Mover(new RawClient(socket, WINDOW), ledger, random, stop).run()]);
    return lost;
  };
}

class Mover {
  readonly #client: RawClient;
  readonly #ledger: TransferLedger;
  readonly #random: SeededRandom;
  readonly #stop: Stop;
  #ended = 0;
  #received = 0;
  #transfersReceived = 0;
  #nextDeliveryId = 0;

  constructor(client: RawClient, ledger: TransferLedger, random: SeededRandom, stop: Stop) {
    this.#client = client;
    this.#ledger = ledger;
    this.#random = random;
    this.#stop = stop;
  }

  async run(): Promise<void> {
    const client = this.#client;
    client.receiver(0, SOURCE, source(`/queues/${this.#ledger.source.queue}`));
    for (const [index, handle] of TARGETS.entries()) {
      client.sender(0, handle, target(`/queues/${this.#ledger.targets[index as 0 | 1].queue}`));
    }
    client.sender(0, CONTROLLER, COORDINATOR);
    for (const handle of [...TARGETS, CONTROLLER]) {
      await client.next(PERFORMATIVES.flow, ({ fields }) => fields.number(4) === handle);
    }
    for (;;) {
      const batch = await this.#take(this.#random.integer(1, BATCH_MAX));
      if (this.#random.chance(ROLLBACK_PROBABILITY)) {
        await this.#move(batch, true);
        this.#ledger.rolledBack();
      }
      await this.#move(batch, false);
      this.#ledger.committed();
      // What has been looked at, and what nobody looks at.
      client.frames.length = 0;
      client.history.length = 0;
    }
  }

  /** One transaction; the deliveries stay unsettled until it is committed. */
  async #move(batch: readonly Moved[], fail: boolean): Promise<void> {
    const client = this.#client;
    this.#ledger.begin(batch.map(({ number }) => number));
    const declared = await this.#answer(this.#control(composite(DECLARE, [])));
    const transactionId = (declared.value as readonly Typed[])[0] as Typed;
    await this.#reached("declared");
    const state = composite(TRANSACTIONAL_STATE, [transactionId]);
    const accepted = composite(TRANSACTIONAL_STATE, [transactionId, composite(ACCEPTED, [])]);
    let last = 0;
    for (const { deliveryId, number } of batch) {
      for (const handle of TARGETS) last = this.#send(handle, encoded(number), state);
      client.send(0, PERFORMATIVES.disposition, [bool(true), uint(deliveryId), undefined, bool(false), accepted]);
    }
    await this.#answer(last);
    await this.#reached("transferred");
    const discharge = this.#control(composite(DISCHARGE, [transactionId, bool(fail)]));
    await this.#reached("discharging");
    await this.#answer(discharge);
    this.#ended++;
  }

  async #reached(stage: Stop["stage"]): Promise<void> {
    if (stage !== this.#stop.stage || this.#ended < this.#stop.after) return;
    this.#stop.reached();
    // What is under way is to go on until the kill; everything else waits for it.
    if (stage !== "discharging") await new Promise(() => {});
  }

  async #take(count: number): Promise<Moved[]> {
    this.#client.send(0, PERFORMATIVES.flow, [
      uint(this.#transfersReceived),
      uint(WINDOW),
      uint(0),
      uint(WINDOW),
      uint(SOURCE),
      uint(this.#received),
      uint(count),
    ]);
    const batch: Moved[] = [];
    while (batch.length < count) batch.push(await this.#receive());
    return batch;
  }

  async #receive(): Promise<Moved> {
    const payloads: Buffer[] = [];
    for (;;) {
      const { fields, payload } = await this.#client.next(PERFORMATIVES.transfer);
      this.#transfersReceived++;
      payloads.push(payload);
      if (fields.flag(5)) continue;
      this.#received++;
      return { deliveryId: fields.requiredNumber(1), number: numberIn(Buffer.concat(payloads)) };
    }
  }

  #control(body: Typed): number {
    return this.#send(CONTROLLER, Buffer.concat([Buffer.of(0x00, 0x53, SECTIONS.value), encodeValue(body)]));
  }

  /** Returns the delivery's id. */
  #send(handle: number, octets: Buffer, state?: Typed): number {
    const deliveryId = this.#nextDeliveryId++;
    for (let start = 0; start < octets.length; start += PAYLOAD_BYTES_MAX) {
      const end = start + PAYLOAD_BYTES_MAX;
      this.#client.transfer(0, handle, deliveryId, octets.subarray(start, end), end < octets.length, state);
    }
    return deliveryId;
  }

  /** What the broker makes of a delivery. Rejects when it refuses it. */
  async #answer(deliveryId: number): Promise<Typed> {
    const isAbout = ({ fields }: ReceivedFrame): boolean => {
      const first = fields.requiredNumber(1);
      return fields.flag(0) && first <= deliveryId && (fields.number(2) ?? first) >= deliveryId;
    };
    const state = (await this.#client.next(PERFORMATIVES.disposition, isAbout)).fields.get(4) as Typed;
    if (Number(state.descriptor?.value) === REJECTED) throw new Error("the broker refuses a transaction");
    return state;
  }
}

function encoded(number: number): Buffer {
  const data = described(ulong(SECTIONS.data), binary(bodyOf(number)));
  const header = composite(SECTIONS.header, [bool(true)]);
  const properties = composite(SECTIONS.properties, [string(String(number))]);
  return Buffer.concat([header, properties, data].map(encodeValue));
}

function numberIn(octets: Buffer): number {
  const { properties, body } = readSections(octets, 0, octets.length);
  const [messageId] = readValue(octets, (properties as Section).valueStart).value as readonly Typed[];
  const { start, end } = dataRange(octets, body[0] as Section);
  return numberOf(String(messageId?.value), octets.subarray(start, end));
}
