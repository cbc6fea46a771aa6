/** How a run is watched and ended. */
export interface RunControl<Progress> {
  /** Ends the run; what was measured until then is the result. */
  readonly signal: AbortSignal;
  /** Called once a second with what happened in it. */
  readonly onProgress: (progress: Progress) => void;
}
