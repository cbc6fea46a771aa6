/**
 * Has V8 collect all garbage at once, as far as it can. V8 by itself may wait for long with buffers that nothing uses
 * any more, and no new ones come while publishers are blocked. The inspector's command (Chrome DevTools Protocol,
 * HeapProfiler.collectGarbage) needs no flag of the process; without an inspector nothing is done.
 *
 * @returns the milliseconds it took, all but a few of them with the event loop standing still
 */
export async function collectGarbage(): Promise<number> {
  if (!process.features.inspector) return 0;
  const { Session } = await import("node:inspector");
  const session = new Session();
  const start = performance.now();
  session.connect();
  try {
    await new Promise<void>((resolve, reject) => {
      session.post("HeapProfiler.collectGarbage", (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    session.disconnect();
  }
  return performance.now() - start;
}
