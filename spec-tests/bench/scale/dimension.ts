/** How much is measured. */
export type Effort = "quick" | "normal" | "full";

/** What values count; MB and KB are 10^6 and 10^3 octets. */
export type Unit = "messages/s" | "s" | "MB" | "KB" | "MB/s" | "/s";

/** One of the things measured at every size. */
export interface Column {
  readonly title: string;
  readonly unit: Unit;
  /** Whether it is the reciprocal of a cost, which is plotted and must not grow faster than logarithmically. */
  readonly isRate: boolean;
}

/** What a broker may hold more or less of. */
export interface Dimension {
  readonly key: string;
  readonly title: string;
  /** What `size` counts. */
  readonly sizeName: string;
  /** A decade apart, in ascending order. */
  readonly sizes: Readonly<Record<Effort, readonly number[]>>;
  readonly columns: readonly Column[];
  /** Measures at one size, against a broker of its own; the values of the columns in their order. */
  measure(size: number, effort: Effort): Promise<readonly number[]>;
}

/** A dimension's values at one size. */
export interface SizeFigures {
  readonly size: number;
  readonly values: readonly number[];
}

/** A dimension as it was measured. */
export interface DimensionFigures extends Pick<Dimension, "key" | "title" | "sizeName" | "columns"> {
  readonly figures: readonly SizeFigures[];
}
