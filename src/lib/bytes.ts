// Hot file: every message passes here at least once.

/** Up to this many octets a plain loop beats TypedArray.set, which needs a view object (measured on Node 20). */
const LOOP_BYTES_MAX = 40;

/** Copies octets `start` to `end` of `source` to `offset` of `target`, which must have room. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void {
  if (end - start > LOOP_BYTES_MAX) {
    target.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start), offset);
    return;
  }
  for (let from = start, to = offset; from < end; from++, to++) target[to] = source[from] as number;
}

/** True when octets `start` to `end` of `a` equal as many octets of `b` from `offset` on. */
export function equalBytes(a: Uint8Array, start: number, end: number, b: Uint8Array, offset: number): boolean {
  for (let i = start, j = offset; i < end; i++, j++) if (a[i] !== b[j]) return false;
  return true;
}
