import type { Column, DimensionFigures } from "./dimension.ts";

/** What something costs at each size. */
export interface CostLine {
  readonly dimension: string;
  readonly name: string;
  readonly points: readonly CostPoint[];
}

export interface CostPoint {
  readonly size: number;
  /** Microseconds for a message; for a kilobyte of it where messages differ in size. */
  readonly microseconds: number;
}

/** How a cost went from the smallest size to the largest. */
export interface Growth {
  readonly from: CostPoint;
  readonly to: CostPoint;
  /** The cost at the largest size over that at the smallest. */
  readonly factor: number;
  /** What the factor would be if the cost went with the logarithm of the size. */
  readonly logarithmicFactor: number;
}

/** The costs that the rates of a dimension stand for. */
export function costLines({ key, columns, figures }: DimensionFigures): CostLine[] {
  return columns.flatMap((column, index) => {
    if (!column.isRate) return [];
    const points = figures.map(({ size, values }) => ({ size, microseconds: cost(column, values[index] as number) }));
    return [{ dimension: key, name: `${key}: ${column.title}${costUnit(column)}`, points }];
  });
}

/** @param line with at least one point */
export function growthOf({ points }: CostLine): Growth {
  const [from, to] = [points[0], points.at(-1)] as [CostPoint, CostPoint];
  return {
    from,
    to,
    factor: to.microseconds / from.microseconds,
    logarithmicFactor: Math.log(to.size) / Math.log(from.size),
  };
}

/** Whether a cost grew no faster than the logarithm of the size. */
export function isLogarithmic({ factor, logarithmicFactor }: Growth): boolean {
  return factor <= logarithmicFactor;
}

/** Microseconds. A megabyte per second is an octet per microsecond. */
function cost({ unit }: Column, rate: number): number {
  return unit === "MB/s" ? 1e3 / rate : 1e6 / rate;
}

function costUnit({ unit }: Column): string {
  return unit === "MB/s" ? ", per KB" : "";
}
