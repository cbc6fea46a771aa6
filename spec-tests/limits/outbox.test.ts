import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Outbox, OutboxPool } from "../../src/amqp091/outbox.ts";
import { Turn } from "../../src/core/turn.ts";

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
  const turn = new Turn(setImmediate);
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
