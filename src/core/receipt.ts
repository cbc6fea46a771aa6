/**
 * Learns what became of a publish, some time after it was handed to its destinations. A session's confirm tracker
 * implements it. A publish is identified by the sequence number the session gave it.
 */
export interface Receipt {
  /** One destination has the message safe: stored durably, or settled already, or not meant to outlive a restart. */
  stored(publishSequence: number): void;
  /** One destination refuses the message or could not store it. */
  refused(publishSequence: number): void;
}
