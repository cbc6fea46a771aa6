import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Outbox, OutboxPool } from "../../src/amqp091/outbox.ts";
import { type Arena, ArenaPool } from "../../src/core/queue/arena.ts";
import { Turn } from "../../src/core/turn.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";

const BYTES_MAX = 4 * 1024 * 1024;

class CountingPool extends OutboxPool {
  takenBytes = 0;

  override take(bytesMin: number): Buffer {
    const buffer = super.take(bytesMin);
    this.takenBytes += buffer.length;
    return buffer;
  }
}

/** A stream whose client reads only when told to. */
class SlowStream extends PassThrough {
  readonly octets: Buffer[] = [];
  #pending: (() => void) | undefined;

  override _write(octets: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.octets.push(Buffer.from(octets));
    this.#pending = done;
  }

  /** The client has read what was written last; false when there was nothing. */
  readOne(): boolean {
    const done = this.#pending;
    this.#pending = undefined;
    done?.();
    return done !== undefined;
  }
}

function outboxOn(stream: SlowStream): { outbox: Outbox; turn: Turn; pool: CountingPool } {
  const turn = new Turn(setImmediate, new ManualClock());
  const pool = new CountingPool();
  return { outbox: new Outbox(stream, turn, pool, BYTES_MAX, () => {}), turn, pool };
}

test("[limits/outbox] a few octets a turn for a client that does not read take no buffer each", () => {
  const stream = new SlowStream();
  const { outbox, turn, pool } = outboxOn(stream);
  const frame = Buffer.alloc(50);
  let writtenBytes = 0;
  for (; outbox.writable; writtenBytes += frame.length) {
    outbox.write(frame);
    turn.run();
  }
  assert(writtenBytes >= BYTES_MAX);
  assert(pool.takenBytes <= 2 * BYTES_MAX + 128 * 1024, `${pool.takenBytes} octets of buffers for ${writtenBytes}`);
});

test("[limits/outbox] what a slow client is sent is complete and in order", async () => {
  const stream = new SlowStream();
  const { outbox, turn } = outboxOn(stream);
  const expected: Buffer[] = [];
  for (let number = 0; number < 20_000; number++) {
    const frame = Buffer.alloc(1 + (number % 50), number);
    expected.push(frame);
    outbox.write(frame);
    turn.run();
    if (number % 100 === 0) stream.readOne();
  }
  while (stream.readOne()) await nextTurn();
  assert.deepEqual(Buffer.concat(stream.octets), Buffer.concat(expected));
});

test("[limits/outbox] what waits for a slow client is sent before the stream ends", async () => {
  const stream = new SlowStream();
  const { outbox, turn } = outboxOn(stream);
  for (const text of ["one", "two", "three"]) {
    outbox.write(Buffer.from(text));
    turn.run();
  }
  outbox.end();
  while (stream.readOne()) await nextTurn();
  assert.equal(Buffer.concat(stream.octets).toString(), "onetwothree");
  assert(stream.writableFinished);
});

/** An arena of `bytes` octets, which the test holds. */
function heldArena(pool: ArenaPool, bytes: number, value: number): Arena {
  const arena = pool.take(bytes);
  arena.hold();
  arena.buffer.fill(value);
  return arena;
}

test("[limits/outbox] what is shared is sent in its place, and kept until then", async () => {
  const stream = new SlowStream();
  const { outbox, turn } = outboxOn(stream);
  const arenas = new ArenaPool();
  const expected: Buffer[] = [];
  for (let number = 1; number <= 60; number++) {
    const arena = heldArena(arenas, 200_000, number);
    const [start, end] = [number * 7, number * 3001];
    const frame = Buffer.alloc(number % 3 === 0 ? 0 : 40_000, -number);
    expected.push(Buffer.from(arena.buffer.subarray(start, end)), frame);
    outbox.share(arena, start, end);
    arena.release();
    if (frame.length > 0) outbox.write(frame);
    if (number % 4 === 0) turn.run();
    if (number % 5 === 0) stream.readOne();
  }
  turn.run();
  while (stream.readOne()) await nextTurn();
  assert(Buffer.concat(stream.octets).equals(Buffer.concat(expected)));
});

test("[limits/outbox] an arena is free again when its octets have been sent", async () => {
  const stream = new SlowStream();
  const { outbox, turn } = outboxOn(stream);
  const arenas = new ArenaPool();
  const arena = heldArena(arenas, 100_000, 1);
  outbox.share(arena, 0, 50_000);
  outbox.share(arena, 50_000, 100_000);
  arena.release();
  turn.run();
  await nextTurn();
  assert(!arena.isFree);
  while (stream.readOne()) await nextTurn();
  assert(arena.isFree);
});

test("[limits/outbox] an arena is free again when its octets cannot be sent any more", async () => {
  const stream = new SlowStream();
  const { outbox, turn } = outboxOn(stream);
  const arenas = new ArenaPool();
  const [begun, waiting] = [heldArena(arenas, 5_000_000, 1), heldArena(arenas, 5_000_000, 2)];
  outbox.share(begun, 0, 5_000_000);
  turn.run();
  outbox.share(waiting, 0, 5_000_000);
  begun.release();
  waiting.release();
  stream.destroy();
  // The operating system gives up what it was sending.
  stream.readOne();
  await nextTurn();
  outbox.write(Buffer.alloc(1));
  turn.run();
  assert.deepEqual([begun.isFree, waiting.isFree], [true, true]);
});

test("[limits/outbox] no more than a portion of what there is to send is with the stream", async () => {
  const stream = new SlowStream();
  const { outbox, turn } = outboxOn(stream);
  const arena = heldArena(new ArenaPool(), 20_000_000, 1);
  for (let start = 0; start < 20_000_000; start += 100_000) outbox.share(arena, start, start + 100_000);
  turn.run();
  let mostBytes = 0;
  do mostBytes = Math.max(mostBytes, stream.writableLength);
  while (stream.readOne());
  while (stream.octets.length < 200) {
    mostBytes = Math.max(mostBytes, stream.writableLength);
    stream.readOne();
    await nextTurn();
  }
  assert(mostBytes >= BYTES_MAX && mostBytes <= BYTES_MAX + 100_000, `${mostBytes} octets`);
  assert.equal(stream.octets.length, 200);
});
