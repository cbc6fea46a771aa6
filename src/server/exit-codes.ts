/** What the process's exit status means; the values are those of BSD's sysexits.h. */
export const EXIT_CODES = {
  stopped: 0,
  /** The shutdown took too long or was cut short by a second signal. */
  forced: 1,
  /** An unknown command or a malformed command line. */
  usage: 64,
  /** The port or the data directory cannot be had. */
  unavailable: 69,
  /** A defect of Leveret. */
  defect: 70,
  /** A configuration value is not allowed. */
  config: 78,
} as const;
