// Hot file: runs for every message.

import { encodeMethodFrame } from "../wire/method-codec.ts";
import { CHANNEL, type PerfConnection } from "./connection.ts";
import type { Consumer } from "./consumer.ts";
import type { Traffic } from "./frame-scanner.ts";

/** Fetches messages one by one with basic.get, from several queues in turn, for a consumer that counts them. */
export class Poller implements Traffic {
  readonly #connection: PerfConnection;
  readonly #consumer: Consumer;
  readonly #requests: readonly Buffer[];
  #turn = 0;
  #answered = false;
  #running = false;

  constructor(connection: PerfConnection, consumer: Consumer, queues: readonly string[], noAck: boolean) {
    this.#connection = connection;
    this.#consumer = consumer;
    this.#requests = queues.map((queue) => encodeMethodFrame(CHANNEL, "basic.get", { queue, noAck }));
  }

  start(): void {
    this.#running = true;
    this.#get();
  }

  stop(): void {
    this.#running = false;
  }

  message(deliveryTag: number, stamp: number): void {
    this.#answered = true;
    this.#consumer.message(deliveryTag, stamp);
  }

  nothing(): void {
    this.#answered = true;
  }

  confirm(): void {}

  readEnd(): void {
    this.#consumer.readEnd();
    if (this.#answered && this.#running) this.#get();
  }

  #get(): void {
    this.#answered = false;
    this.#connection.write(this.#requests[this.#turn] as Buffer, nothing);
    this.#turn = (this.#turn + 1) % this.#requests.length;
  }
}

function nothing(): void {}
