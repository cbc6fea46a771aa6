// Hot file: runs for every message when latency is measured.

/** Buckets per power of two: a value is known to within 1 / 128. */
const SUBDIVISION_BITS = 7;
const SUBDIVISIONS = 1 << SUBDIVISION_BITS;
/** Largest value told apart: 2^42 ns are 73 minutes. */
const EXPONENT_MAX = 42;

const NANOSECONDS_PER_MILLISECOND = 1e6;

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Counts durations in buckets that are 1 / 128 of their value wide. */
export class LatencyHistogram {
  readonly #counts = new Float64Array((EXPONENT_MAX + 1 - SUBDIVISION_BITS) * SUBDIVISIONS + SUBDIVISIONS);
  #count = 0;
  #min = Infinity;
  #max = 0;

  record(nanoseconds: number, times = 1): void {
    const bucket = bucketOf(nanoseconds);
    this.#counts[bucket] = (this.#counts[bucket] as number) + times;
    this.#count += times;
    if (nanoseconds < this.#min) this.#min = nanoseconds;
    if (nanoseconds > this.#max) this.#max = nanoseconds;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = this.#max = 0;
    this.#min = Infinity;
  }

  /** The value in milliseconds that `fraction` of all durations do not exceed; 0 without any. */
  quantile(fraction: number): number {
    const rank = Math.max(1, Math.ceil(fraction * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= rank) return Math.min(upperEnd(bucket), this.#max) / NANOSECONDS_PER_MILLISECOND;
    }
    return 0;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      min: this.#count === 0 ? 0 : this.#min / NANOSECONDS_PER_MILLISECOND,
      median: this.quantile(0.5),
      p90: this.quantile(0.9),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
      max: this.#max / NANOSECONDS_PER_MILLISECOND,
    };
  }
}

function bucketOf(nanoseconds: number): number {
  const value = Math.min(Math.max(0, Math.floor(nanoseconds)), 2 ** EXPONENT_MAX);
  if (value < SUBDIVISIONS) return value;
  const exponent = Math.floor(Math.log2(value));
  const shift = exponent - SUBDIVISION_BITS;
  return (shift + 1) * SUBDIVISIONS + Math.floor(value / 2 ** shift) - SUBDIVISIONS;
}

function upperEnd(bucket: number): number {
  if (bucket < SUBDIVISIONS) return bucket;
  const shift = Math.floor(bucket / SUBDIVISIONS) - 1;
  return ((bucket % SUBDIVISIONS) + SUBDIVISIONS + 1) * 2 ** shift - 1;
}
