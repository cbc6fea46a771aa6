import type { Database } from "lmdb";

/** The pages of one tree. */
export interface TreeStatistics {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** What lmdb-js reports, and does not type: the database's own tree, and the environment's. */
interface Statistics extends TreeStatistics {
  readonly lastPageNumber: number;
  readonly root: TreeStatistics;
  readonly free: TreeStatistics;
}

export function statisticsOf(database: Database): Statistics {
  return database.getStats() as Statistics;
}

/** Pages that hold keys and small values; larger values have pages of their own. */
export function indexPages({ treeBranchPageCount, treeLeafPageCount }: TreeStatistics): number {
  return treeBranchPageCount + treeLeafPageCount;
}
