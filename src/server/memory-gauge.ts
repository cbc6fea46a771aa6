import type { Logger } from "../lib/logger.ts";
import type { MonitoredResource } from "./resource-monitor.ts";

/** How many times longer than a garbage collection the time to the next one is at least. */
const TIME_BETWEEN_COLLECTIONS = 20;

export interface MemoryGaugeOptions {
  /** The octets in use above which memory counts as low. */
  readonly watermarkBytes: number;
  /** Time between two measurements. */
  readonly intervalMilliseconds: number;
  readonly logger: Logger;
  readonly usedMemoryBytes: () => number;
  /** Frees what nothing uses any more and resolves with the milliseconds it took. */
  readonly collectGarbage: () => Promise<number>;
}

/** Measures the memory in use. What is above the watermark and only garbage is collected rather than reported. */
export class MemoryGauge implements MonitoredResource {
  readonly resource = "memory";
  readonly watermarkBytes: number;
  readonly #options: MemoryGaugeOptions;
  /** Measurements to come before garbage may be collected again. */
  #measurementsToWait = 0;
  #collectionFailed = false;

  constructor(options: MemoryGaugeOptions) {
    this.watermarkBytes = options.watermarkBytes;
    this.#options = options;
  }

  isLow(usedBytes: number): boolean {
    return usedBytes > this.watermarkBytes;
  }

  async measureBytes(): Promise<number> {
    const usedBytes = this.#options.usedMemoryBytes();
    if (this.#measurementsToWait > 0) this.#measurementsToWait -= 1;
    else if (this.isLow(usedBytes) && !this.#collectionFailed) {
      await this.#collect();
      return this.#options.usedMemoryBytes();
    }
    return usedBytes;
  }

  async #collect(): Promise<void> {
    const { collectGarbage, intervalMilliseconds, logger } = this.#options;
    try {
      const milliseconds = await collectGarbage();
      this.#measurementsToWait = Math.floor((milliseconds * TIME_BETWEEN_COLLECTIONS) / intervalMilliseconds);
      logger.debug("garbage collected, because memory is low", { milliseconds });
    } catch (error) {
      this.#collectionFailed = true;
      logger.error("garbage cannot be collected: V8 decides when it is", { error });
    }
  }
}
