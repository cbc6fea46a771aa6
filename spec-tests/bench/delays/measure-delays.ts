import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../report.ts";
import { type BrokerState, DelaysBrokerProcess } from "./delays-broker-process.ts";
import { connect, publish, Taker } from "./delays-load.ts";

/** Where the messages wait. */
const PLACES = ["plain", "queue", "exchange"] as const;
type Place = (typeof PLACES)[number];

/** What one message costs in each stage of its life. */
interface Costs {
  readonly publishMicroseconds: number;
  readonly waitingBytes: number;
  readonly waitingResidentBytes: number;
  readonly diskBytes: number;
  readonly restartMicroseconds: number;
  readonly restartedBytes: number;
  readonly deliveryMicroseconds: number;
}

const STARTED_AT = Date.UTC(2026, 0, 1);
const SHORTEST_MILLISECONDS = 1_000;
const LONGEST_MILLISECONDS = 3_600_000;
const QUIET_MILLISECONDS = 200;
/** The broker's own work in that time, with nothing to do. */
const QUIET_CPU_MICROSECONDS = 10_000;
const QUEUE = "measured";
const EXCHANGE = "measured-exchange";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    body: { type: "string", default: "100" },
    due: { type: "string", default: "random" },
    rounds: { type: "string", default: "2" },
    steps: { type: "string", default: "20" },
    places: { type: "string", default: PLACES.join() },
    profile: { type: "string" },
  },
});
const [messages, bodyBytes, rounds, steps] = [values.messages, values.body, values.rounds, values.steps].map(
  Number,
) as [number, number, number, number];
const places = PLACES.filter((place) => values.places.split(",").includes(place));

const found = new Map<Place, Costs[]>(places.map((place) => [place, []]));
for (let round = 0; round < rounds; round++) {
  for (const place of places) {
    const costs = await measure(place, round);
    found.get(place)?.push(costs);
    print(`round ${round + 1}, ${place}`, costs);
  }
}
for (const place of places) {
  const own = found.get(place) as Costs[];
  const plain = found.get("plain") ?? own;
  for (const stage of Object.keys(own[0] as Costs) as (keyof Costs)[]) {
    const ratios = own.map((costs, round) => costs[stage] / (plain[round] as Costs)[stage]);
    const figure = median(own.map((costs) => costs[stage]));
    process.stdout.write(`${place} ${stage}: ${figure.toFixed(2)}, ${median(ratios).toFixed(3)} of plain\n`);
  }
}

async function measure(place: Place, round: number): Promise<Costs> {
  const directory = mkdtempSync(join(tmpdir(), "leveret-delays-"));
  try {
    let broker = await start(directory, STARTED_AT, `${place}-publish`);
    const publisher = await connect(broker.port);
    await declare(publisher, place);
    const empty = await broker.ask({ kind: "collect" });
    const target = place === "exchange" ? { exchange: EXCHANGE, routingKey: "k" } : { exchange: "", routingKey: QUEUE };
    await publish(publisher, { ...target, bodyBytes, messages, delay: delays(round) });
    const full = await broker.ask({ kind: "state" });
    const waiting = await broker.ask({ kind: "collect" });
    expectCount(waiting, place);
    const diskBytes = statSync(join(directory, "durable", "data.mdb")).blocks * 512;
    await publisher.close();
    await broker.stop();

    const bare = await start(join(directory, "bare"), STARTED_AT, "bare");
    const nothing = await quiet(bare);
    await bare.stop();
    broker = await start(directory, STARTED_AT, `${place}-restart`);
    const recovered = await quiet(broker);
    const restarted = await broker.ask({ kind: "collect" });
    expectCount(restarted, place);
    await broker.stop();

    broker = await start(directory, STARTED_AT, `${place}-deliver`);
    const before = await quiet(broker);
    await deliver(broker);
    const emptied = await broker.ask({ kind: "state" });
    await broker.stop();
    const each = (amount: number): number => amount / messages;
    return {
      publishMicroseconds: each(full.cpuMicroseconds - empty.cpuMicroseconds),
      waitingBytes: each(waiting.heapBytes - empty.heapBytes),
      waitingResidentBytes: each(waiting.anonymousBytes - empty.anonymousBytes),
      diskBytes: each(diskBytes),
      restartMicroseconds: each(recovered.cpuMicroseconds - nothing.cpuMicroseconds),
      restartedBytes: each(restarted.heapBytes - nothing.heapBytes),
      deliveryMicroseconds: each(emptied.cpuMicroseconds - before.cpuMicroseconds),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function start(directory: string, startAt: number, name: string): Promise<DelaysBrokerProcess> {
  mkdirSync(directory, { recursive: true });
  const profiling =
    values.profile === undefined
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`, `--cpu-prof-name=${name}.cpuprofile`];
  return DelaysBrokerProcess.start(directory, startAt, profiling);
}

async function declare(connection: Awaited<ReturnType<typeof connect>>, place: Place): Promise<void> {
  const queueArguments = new Map([["x-delayed-message", { type: "bool", value: true } as const]]);
  await connection.call("queue.declare", {
    queue: QUEUE,
    durable: true,
    ...(place === "queue" ? { arguments: queueArguments } : {}),
  });
  await connection.call("confirm.select");
  if (place !== "exchange") return;
  const exchangeArguments = new Map([["x-delayed-type", { type: "longstr", value: "direct" } as const]]);
  await connection.call("exchange.declare", {
    exchange: EXCHANGE,
    type: "x-delayed-message",
    durable: true,
    arguments: exchangeArguments,
  });
  await connection.call("queue.bind", { queue: QUEUE, exchange: EXCHANGE, routingKey: "k" });
}

/** The x-delay of each message: all over an hour, in the order of publishing or in none. */
function delays(round: number): (index: number) => number {
  const range = LONGEST_MILLISECONDS - SHORTEST_MILLISECONDS;
  let state = round + 1;
  return (index) => {
    // A linear congruential generator: Numerical Recipes.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return SHORTEST_MILLISECONDS + Math.floor(range * (values.due === "random" ? state / 2 ** 32 : index / messages));
  };
}

/** Lets everything become due, bit by bit, and takes it. */
async function deliver(broker: DelaysBrokerProcess): Promise<void> {
  const connection = await connect(broker.port);
  const taker = new Taker(connection);
  await taker.start(QUEUE);
  for (let step = 0; step < steps; step++) {
    const milliseconds = Math.ceil((LONGEST_MILLISECONDS + SHORTEST_MILLISECONDS) / steps);
    const { delayed } = await broker.ask({ kind: "advance", milliseconds });
    if (step < steps - 1 && delayed > 0) await taker.reached(messages - delayed);
  }
  await taker.reached(messages);
  await connection.close();
}

/** Waits until it has nothing left to do. */
async function quiet(broker: DelaysBrokerProcess): Promise<BrokerState> {
  let before = await broker.ask({ kind: "state" });
  while (true) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MILLISECONDS));
    const state = await broker.ask({ kind: "state" });
    if (state.cpuMicroseconds - before.cpuMicroseconds < QUIET_CPU_MICROSECONDS) return state;
    before = state;
  }
}

function expectCount({ ready, delayed }: BrokerState, place: Place): void {
  const [count, other] = place === "plain" ? [ready, delayed] : [delayed, ready];
  if (count !== messages || other !== 0) throw new Error(`${ready} messages are ready and ${delayed} wait`);
}

function print(title: string, costs: Costs): void {
  const figures = Object.entries(costs).map(([stage, figure]) => `${stage} ${(figure as number).toFixed(2)}`);
  process.stdout.write(`${title}: ${figures.join(", ")}\n`);
}
