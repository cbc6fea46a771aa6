import assert from "node:assert/strict";
import type { ConfirmChannel } from "amqplib";

const SMALL_BYTES_MAX = 2_000;
const LARGE_BYTES = 200_000;
const LARGE_EVERY = 97;

/** The body of a publisher's message: as long as its number wants it, and recognisable from end to end. */
export function bodyOf(number: number): Buffer {
  const bytes = number % LARGE_EVERY === 0 ? LARGE_BYTES : (number * 7919) % SMALL_BYTES_MAX;
  return Buffer.alloc(bytes, `${number} `);
}

/** The number of a message, which is its message-id. Throws when the body is not the one it was sent with. */
export function numberOf(messageId: string | undefined, body: Buffer): number {
  const number = Number(messageId);
  assert.ok(Number.isInteger(number), `a message without a number: ${messageId}`);
  assert.ok(body.equals(bodyOf(number)), `message ${number} has another body`);
  return number;
}

/** Publishes message `number` to the queue and resolves when it is confirmed; never when the connection is lost before. */
export function publish(channel: ConfirmChannel, queue: string, number: number, persistent: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { persistent, messageId: String(number) };
    channel.sendToQueue(queue, bodyOf(number), options, (error) => (error ? reject(error) : resolve()));
  });
}
