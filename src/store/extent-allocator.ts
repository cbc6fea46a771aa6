/** How many free extents are looked at for one that is large enough before the file grows. */
const LOOKS_MAX = 16;

/** Hands out runs of pages of a file: free ones first, then such as make the file longer. Knows nothing of the file. */
export class ExtentAllocator {
  /** Free extents, by their first page the page after their last, and the other way round. None touch each other. */
  readonly #ends = new Map<number, number>();
  readonly #starts = new Map<number, number>();
  /** Goes round the free extents, so that each search looks at others than the one before. */
  #round = this.#ends.entries();
  /** No page from here on is in use, and the one before is. */
  #endPage = 0;

  /** The number of pages up to the last one in use. */
  get endPage(): number {
    return this.#endPage;
  }

  /** Takes `pageCount` pages in a row; returns the number of the first. */
  take(pageCount: number): number {
    for (let looksLeft = Math.min(this.#ends.size, LOOKS_MAX); looksLeft > 0; looksLeft--) {
      const [start, end] = this.#nextFree();
      if (end - start < pageCount) continue;
      this.#remove(start, end);
      if (end - start > pageCount) this.#add(start + pageCount, end);
      return start;
    }
    const start = this.#endPage;
    this.#endPage += pageCount;
    return start;
  }

  /** Gives back `pageCount` pages from `page` on, which were taken together. */
  giveBack(page: number, pageCount: number): void {
    let start = page;
    let end = page + pageCount;
    const before = this.#starts.get(start);
    if (before !== undefined) {
      this.#remove(before, start);
      start = before;
    }
    const after = this.#ends.get(end);
    if (after !== undefined) {
      this.#remove(end, after);
      end = after;
    }
    if (end === this.#endPage) this.#endPage = start;
    else this.#add(start, end);
  }

  /** The next free extent; there must be one. */
  #nextFree(): [start: number, end: number] {
    let next = this.#round.next();
    if (next.done === true) {
      this.#round = this.#ends.entries();
      next = this.#round.next();
    }
    return next.value as [number, number];
  }

  #add(start: number, end: number): void {
    this.#ends.set(start, end);
    this.#starts.set(end, start);
  }

  #remove(start: number, end: number): void {
    this.#ends.delete(start);
    this.#starts.delete(end);
  }
}
