import type { RunOptions } from "./run-options.ts";

const PROGRESS_MILLISECONDS = 1000;

/** What happens in the course of a run. */
export interface RunPhases {
  /** What happened until now does not count: at the beginning, and when the warm-up is over. */
  readonly onMeasure: () => void;
  /** The duration is over; never for a run without one. */
  readonly onTimeUp: () => void;
  /** A second is over. */
  readonly onSecond: () => void;
}

/** The timers of a run, and the processor time that this process takes while it is measured. */
export class RunTimers {
  readonly #timers: NodeJS.Timeout[] = [];
  #cpuBefore: NodeJS.CpuUsage = process.cpuUsage();

  /** The run begins now. */
  begin(
    { warmup, duration }: Pick<RunOptions, "warmup" | "duration">,
    { onMeasure, onTimeUp, onSecond }: RunPhases,
  ): void {
    const measure = (): void => {
      this.#cpuBefore = process.cpuUsage();
      onMeasure();
    };
    const measureToEnd = (): void => {
      measure();
      // From here on, because a busy process may come late to the end of the warm-up.
      if (duration > 0) this.#after(duration, onTimeUp);
    };
    if (warmup > 0) {
      measure();
      this.#after(warmup, measureToEnd);
    } else {
      measureToEnd();
    }
    this.every(PROGRESS_MILLISECONDS, onSecond);
  }

  every(milliseconds: number, callback: () => void): void {
    this.#timers.push(setInterval(callback, milliseconds));
  }

  /** Seconds of processor time since measuring began. */
  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    return (user + system) / 1e6;
  }

  /** The run is over. */
  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #after(seconds: number, callback: () => void): void {
    this.#timers.push(setTimeout(callback, seconds * 1000));
  }
}
