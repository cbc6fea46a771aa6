import type { AlarmResource, Alarms } from "../core/alarms.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";

/** The cause under which monitors raise alarms. */
const WATERMARK = "watermark";

/** A resource, how it is measured, and how much of it is a reason to hold publishers back. */
export interface MonitoredResource {
  readonly resource: AlarmResource;
  /** Octets in use or octets free, as `isLow` expects them. May throw or reject. */
  measureBytes(): number | Promise<number>;
  /** True when the alarm has to be raised at that measure. */
  isLow(bytes: number): boolean;
  /** The watermark that `isLow` compares with. */
  readonly watermarkBytes: number;
}

export interface ResourceMonitorOptions {
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Time from the end of one measurement to the next. */
  readonly intervalMilliseconds: number;
}

/** Measures one resource again and again, raises its alarm when it runs low and clears it when it does no longer. */
export class ResourceMonitor {
  readonly #monitored: MonitoredResource;
  readonly #options: ResourceMonitorOptions;
  #timer: Timer | undefined;
  #low = false;
  #failing = false;
  #stopped = false;

  constructor(monitored: MonitoredResource, options: ResourceMonitorOptions) {
    this.#monitored = monitored;
    this.#options = options;
  }

  /** Measures for the first time, and from then on until it is stopped. Resolves after the first measurement. */
  async start(): Promise<void> {
    const bytes = await this.#measure();
    if (this.#stopped) return;
    if (bytes !== undefined) this.#take(bytes);
    this.#timer = this.#options.clock.after(this.#options.intervalMilliseconds, () => void this.start());
  }

  /** Measures no more. The alarm stays as it is. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Undefined when it cannot be measured, which is logged once: then the alarm stays as it is. */
  async #measure(): Promise<number | undefined> {
    const { logger } = this.#options;
    const { resource } = this.#monitored;
    try {
      const bytes = await this.#monitored.measureBytes();
      if (this.#failing) logger.info("resource can be measured again", { resource });
      this.#failing = false;
      return bytes;
    } catch (error) {
      if (!this.#failing) logger.error("resource cannot be measured: its alarm stays as it is", { resource, error });
      this.#failing = true;
      return undefined;
    }
  }

  #take(bytes: number): void {
    const { resource, watermarkBytes } = this.#monitored;
    const { alarms, logger } = this.#options;
    const isLow = this.#monitored.isLow(bytes);
    if (isLow === this.#low) return;
    this.#low = isLow;
    logger.info(isLow ? "watermark crossed" : "watermark kept again", { resource, bytes, watermarkBytes });
    if (isLow) alarms.raise(resource, WATERMARK);
    else alarms.clear(resource, WATERMARK);
  }
}
