import type { Clock } from "../../../lib/clock.ts";
import { ExpiryTimer } from "../expiry-timer.ts";
import type { QueueSettings } from "../queue-settings.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import type { StreamLog } from "./stream-log.ts";

/** A timer longer than this is set in steps. */
const LOOK_MILLISECONDS_MAX = 3_600_000;

/**
 * Cuts off the oldest chunks of a stream once they are too old (x-max-age) or too much (x-max-length-bytes). A chunk
 * goes when its newest message is too old; the newest chunk stays. RabbitMQ: "Streams", retention.
 */
export class Retention {
  readonly #log: StreamLog;
  readonly #index: ChunkIndex;
  readonly #clock: Clock;
  readonly #timer: ExpiryTimer;
  #ageMax = Number.POSITIVE_INFINITY;
  #bytesMax = Number.POSITIVE_INFINITY;

  constructor(log: StreamLog, index: ChunkIndex, clock: Clock) {
    this.#log = log;
    this.#index = index;
    this.#clock = clock;
    this.#timer = new ExpiryTimer(clock, () => this.apply());
  }

  configure({ maxAgeSeconds, lengthBytesMax }: QueueSettings): void {
    this.#ageMax = maxAgeSeconds === undefined ? Number.POSITIVE_INFINITY : maxAgeSeconds * 1000;
    this.#bytesMax = lengthBytesMax ?? Number.POSITIVE_INFINITY;
    this.#timer.cancel();
    this.applySoon();
  }

  /** Has {@link apply} run soon, if there is a limit: not now, because it may have to read. */
  applySoon(): void {
    if (Number.isFinite(this.#ageMax) || Number.isFinite(this.#bytesMax)) this.#timer.arm(this.#clock.now());
  }

  /** Cuts off what the limits do not allow, and sees to it that the next chunk goes when its time comes. */
  apply(): void {
    this.#cutOff();
    this.#log.loaded.rest();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #cutOff(): void {
    for (let chunk = this.#log.removable; chunk !== undefined; chunk = this.#log.removable) {
      if (this.#log.recordBytes <= this.#bytesMax) {
        if (!Number.isFinite(this.#ageMax)) return;
        const dueAt = this.#index.newestIn(chunk) + this.#ageMax;
        const now = this.#clock.now();
        if (dueAt > now) {
          this.#timer.arm(Math.min(dueAt, now + LOOK_MILLISECONDS_MAX));
          return;
        }
      }
      this.#log.remove(chunk);
    }
  }
}
