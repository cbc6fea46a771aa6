/** Nanoseconds on a clock that all processes of this machine share and that never goes back. */
export function monotonicNanoseconds(): number {
  return Number(process.hrtime.bigint());
}
