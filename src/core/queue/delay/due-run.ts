import type { LogEnvironment } from "../chunk-storage.ts";
import { MessageLog } from "../message-log.ts";
import type { DelayLogId } from "./delay-lanes.ts";

export interface DueRunOptions {
  readonly queueId: number;
  readonly durable: boolean;
  readonly firstSequence: number;
  readonly id: DelayLogId;
}

/**
 * Messages in the order in which they are due, in a log that is read from its beginning: none but those that are due
 * next need be in memory, and of none else is it known when that is.
 */
export class DueRun {
  readonly id: DelayLogId;
  readonly log: MessageLog;
  /** Of messages that are due at the same time, that of the lower rank came first. */
  rank = 0;
  /** A message that is due earlier cannot be added; Infinity: none can. */
  openFrom = Number.POSITIVE_INFINITY;

  constructor({ queueId, durable, firstSequence, id }: DueRunOptions, environment: LogEnvironment) {
    this.id = id;
    this.log = new MessageLog(queueId, durable, environment, {
      firstSequence,
      marksDeliveries: false,
      keepsInMemory: "nothing",
    });
  }
}
