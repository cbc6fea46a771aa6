import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import type { Exchange } from "../../../src/core/exchange/exchange.ts";
import { routeMessage } from "../../../src/core/exchange/route.ts";
import type { Message } from "../../../src/core/message.ts";
import type { MessageHistoryOptions } from "../../../src/core/message-history.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentBody } from "../../../src/wire/content.ts";
import { type FieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import type { Properties } from "../../../src/wire/properties.ts";
import { commit } from "../../store/contents.ts";
import { endTurnWithCommit } from "../../support/end-turn-with-commit.ts";
import { settled } from "../deduplication/fixtures.ts";
import { BodyQueue, bind, binding, exchange, matched, message, published, queue } from "./fixtures.ts";
import { memoryHistory } from "./memory-history.ts";

const TYPE = "x-recent-history";

function withLength(value: FieldValue): Exchange {
  return exchange(TYPE, "x", { arguments: new Map([["x-recent-history-length", value]]) });
}

/** Publishes bodies; returns nothing of where they went. */
function publish(x: Exchange, bodies: readonly string[], properties: Properties = {}, keys: string[] = ["k"]): void {
  for (const body of bodies) routeMessage(x, published(keys, body, properties), () => undefined);
}

/** What a queue gets that is bound now. */
function replayed(x: Exchange): string[] {
  const q = new BodyQueue("new");
  bind(x, q, "");
  return q.bodies;
}

/** Commits what has gathered in a store that outlives its brokers. */
interface Turns {
  readonly store: MemoryStore;
  readonly barrier: CommitBarrier;
  readonly end: () => Promise<void>;
}

function openTurns(before: MemoryStore): Turns {
  const store = new MemoryStore(before.durableState);
  const barrier = new CommitBarrier(store, new ManualClock(), silentLogger, () => {});
  const end = (): Promise<void> => {
    endTurnWithCommit(barrier);
    return settled();
  };
  return { store, barrier, end };
}

/** Gives an exchange what is in the store. */
function recoverInto(store: MemoryStore, { stored }: Exchange): void {
  store.recover({
    definition: () => {},
    note: () => {},
    chunk: (_, chunk, settlement) => stored?.recoverChunk(chunk, settlement),
  });
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

describe("[exchange.declare/x-recent-history]", () => {
  const REFUSED: readonly [value: FieldValue, printed: string][] = [
    [{ type: "signedint", value: 0 }, "0"],
    [{ type: "long", value: -30n }, "-30"],
    [{ type: "longstr", value: "5" }, '<<"5">>'],
    [{ type: "unsignedint", value: 5 }, "5"],
    [{ type: "bool", value: true }, "true"],
    [{ type: "double", value: 2 }, "2.0"],
  ];
  for (const [value, printed] of REFUSED) {
    test(`x-recent-history-length ${printed} of type ${value.type} is 406`, () => {
      const text = `Invalid argument ${printed}, 'x-recent-history-length' must be a positive integer`;
      assert.throws(() => withLength(value), { name: "BrokerError", replyCode: 406, message: text });
    });
  }

  for (const value of [
    { type: "byte", value: 2 },
    { type: "short", value: 2 },
    { type: "signedint", value: 2 },
    { type: "long", value: 2n },
  ] as const) {
    test(`x-recent-history-length may be of type ${value.type}`, () => {
      const x = withLength(value);
      publish(x, numbers(1, 5));
      assert.deepEqual(replayed(x), ["4", "5"]);
    });
  }
});

describe("[basic.publish/x-recent-history]", () => {
  test("goes to every target, whatever the keys, and is never cached", () => {
    const x = exchange(TYPE, "x");
    for (const name of ["a", "b"]) bind(x, queue(name), `key of ${name}`);
    assert.deepEqual(matched(x, message("other")), ["a", "b"]);
    assert.equal(routeMessage(x, message("k"), () => undefined).cacheable, false);
  });

  test("x-recent-history-no-store true keeps a message out of the history, other values do not", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["kept out"], { headers: tableFrom({ "x-recent-history-no-store": true }) });
    publish(x, ["false"], { headers: tableFrom({ "x-recent-history-no-store": false }) });
    publish(x, ["text"], { headers: tableFrom({ "x-recent-history-no-store": "true" }) });
    publish(x, ["other"], { headers: tableFrom({ other: true }) });
    assert.deepEqual(replayed(x), ["false", "text", "other"]);
  });

  test("a route that is only looked up leaves no trace", () => {
    const x = exchange(TYPE, "x");
    matched(x, message("k"));
    assert.deepEqual(replayed(x), []);
  });

  test("a message is remembered once, also on a way through several exchanges and with an alternate exchange", () => {
    const [first, alternate] = [exchange("fanout", "first"), exchange("fanout", "alternate")];
    const args = tableFrom({ "alternate-exchange": "alternate" });
    const x = exchange(TYPE, "x", { arguments: args });
    bind(first, x, "1");
    bind(first, x, "2");
    for (const start of [first, x]) routeMessage(start, published("k", start.name), () => alternate);
    assert.deepEqual(replayed(x), ["first", "x"]);
  });
});

describe("[queue.bind/x-recent-history]", () => {
  test("a new binding gets the latest 20 messages, oldest first", () => {
    const x = exchange(TYPE, "x");
    publish(x, numbers(1, 3));
    assert.deepEqual(replayed(x), numbers(1, 3));
    publish(x, numbers(4, 50));
    assert.deepEqual(replayed(x), numbers(31, 50));
  });

  test("every new binding, of a queue that has one too; binding again with equal arguments replays nothing", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["a"]);
    const q = new BodyQueue("q");
    bind(x, q, "");
    bind(x, q, "");
    assert.deepEqual(q.bodies, ["a"]);
    bind(x, q, "other");
    assert.deepEqual(q.bodies, ["a", "a"]);
    x.unbind(binding(x, q, ""));
    bind(x, q, "");
    assert.deepEqual(q.bodies, ["a", "a", "a"]);
  });

  test("a remembered message keeps address and content when the publisher's buffer is used again", () => {
    const x = exchange(TYPE, "x");
    const input = published("key", "body", { messageId: "id" });
    routeMessage(x, input, () => undefined);
    const original = input.message?.detached();
    input.message?.buffer.fill(0);
    const q = new BodyQueue("q");
    bind(x, q, "");
    assert.deepEqual([q.last.exchangeName, q.last.routingKey, q.bodies], ["x", "key", ["body"]]);
    assert.deepEqual(q.last.buffer, original?.buffer);
  });

  test("a replayed message is as new: its expiration counts from the binding on, each time", () => {
    const clock = new ManualClock();
    const x = exchange(TYPE, "x", {}, { clock });
    const input = published("k");
    assert(input.message !== undefined);
    input.message.publishedAt = clock.now();
    input.message.expiresAt = clock.now() + 1000;
    routeMessage(x, input, () => undefined);
    publish(x, ["never expires"]);
    for (let hour = 0; hour < 2; hour++) {
      clock.advance(3_600_000);
      const expirations: number[] = [];
      const q = {
        ...queue("q"),
        push: (each: { expiresAt: number; publishedAt: number }) => {
          assert.equal(each.publishedAt, clock.now());
          expirations.push(each.expiresAt);
        },
      };
      bind(x, q, "");
      assert.deepEqual(expirations, [clock.now() + 1000, 0]);
    }
  });
});

describe("[exchange.bind/x-recent-history]", () => {
  test("the history goes through the bound exchange, by routing keys and headers", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["by key"], {}, ["red"]);
    publish(x, ["by CC"], { headers: tableFrom({ CC: ["red"] }) }, ["green", "red"]);
    publish(x, ["by header"], { headers: tableFrom({ color: "red" }) }, ["green"]);
    publish(x, ["nowhere"], {}, ["green"]);
    const [direct, headers, q] = [exchange("direct", "direct"), exchange("headers", "headers"), new BodyQueue("q")];
    bind(direct, q, "red");
    bind(headers, q, "", { color: "red" });
    bind(x, direct, "");
    assert.deepEqual(q.bodies, ["by key", "by CC"]);
    bind(x, headers, "");
    assert.deepEqual(q.bodies, ["by key", "by CC", "by header"]);
  });

  test("what the bound exchange cannot route goes to its alternate exchange", () => {
    const alternate = exchange("fanout", "alternate");
    const x = exchange(TYPE, "x", {}, { exchangeByName: () => alternate });
    publish(x, ["a"]);
    const q = new BodyQueue("q");
    bind(alternate, q, "");
    bind(x, exchange("direct", "d", { arguments: tableFrom({ "alternate-exchange": "alternate" }) }), "");
    assert.deepEqual(q.bodies, ["a"]);
  });

  test("an exchange bound to itself ends", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["a", "b"]);
    bind(x, x, "");
    assert.deepEqual(replayed(x), ["a", "b", "a", "b"]);
  });
});

describe("the history of an exchange", () => {
  test("holds the latest messages, whatever a target adds meanwhile", () => {
    const x = withLength({ type: "signedint", value: 2 });
    publish(x, ["a", "b"]);
    const bodies: string[] = [];
    const q = {
      ...queue("q"),
      push: (each: Message) => {
        bodies.push(contentBody(each.buffer, each.contentStart, each.contentEnd).toString());
        publish(x, ["c", "d"]);
      },
    };
    bind(x, q, "");
    assert.deepEqual([bodies, replayed(x)], [["a"], ["c", "d"]]);
  });

  test("[durability/x-recent-history] of a durable one survives restarts, transient messages too; and goes with it", async () => {
    const store = new MemoryStore();
    let turns: Turns = openTurns(store);
    const open = (): Exchange => {
      turns = openTurns(store);
      const createMessageHistory = (options: MessageHistoryOptions) =>
        memoryHistory(options, turns.store, turns.barrier);
      return exchange(
        TYPE,
        "x",
        { durable: true, arguments: tableFrom({ "x-recent-history-length": 3 }) },
        { createMessageHistory },
      );
    };
    let x = open();
    publish(x, ["1", "2", "3", "4"], { deliveryMode: 2 });
    publish(x, ["transient"], { deliveryMode: 1 });
    await turns.end();
    for (let restart = 0; restart < 2; restart++) {
      x = open();
      recoverInto(turns.store, x);
      assert.deepEqual(replayed(x), ["3", "4", "transient"]);
    }
    publish(x, ["5"]);
    await turns.end();
    x = open();
    recoverInto(turns.store, x);
    assert.deepEqual(replayed(x), ["4", "transient", "5"]);
    x.stored?.drop();
    await commit(turns.store);
    x = open();
    recoverInto(turns.store, x);
    assert.deepEqual(replayed(x), []);
  });
});
