import type { Logger } from "../lib/logger.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import type { RunningServer } from "./lifecycle.ts";

/** Time a shutdown may take before the process exits without finishing it. */
const SHUTDOWN_MILLISECONDS_MAX = 4_500;

/**
 * A second signal this soon is the same request: Ctrl-C reaches the whole foreground process group, and npm passes
 * its own copy on.
 */
const SAME_REQUEST_MILLISECONDS = 500;

/**
 * Makes any error that nobody handles end the process at once: state that may be half changed must not be served or
 * committed.
 */
export function exitOnDefect(logger: Logger): void {
  process.on("uncaughtException", (error, origin) => {
    logger.error("defect: the process exits", { error, origin });
    process.exit(EXIT_CODES.defect);
  });
}

/** Closes `server` and exits when SIGTERM or SIGINT comes; a second signal exits at once. */
export function stopOnSignal(server: RunningServer, logger: Logger): void {
  let stoppingSince: number | undefined;

  const exitForced = (message: string): void => {
    logger.error(message);
    process.exit(EXIT_CODES.forced);
  };

  const stop = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (stoppingSince !== undefined) {
      if (now - stoppingSince > SAME_REQUEST_MILLISECONDS)
        exitForced("second signal: exiting without a clean shutdown");
      return;
    }
    stoppingSince = now;
    logger.info("stopping", { signal });
    setTimeout(() => exitForced("the shutdown takes too long: exiting without it"), SHUTDOWN_MILLISECONDS_MAX).unref();
    server.close().then(
      () => {
        logger.info("stopped");
        process.exit(EXIT_CODES.stopped);
      },
      (error: unknown) => {
        logger.error("the shutdown failed", { error });
        process.exit(EXIT_CODES.forced);
      },
    );
  };

  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
