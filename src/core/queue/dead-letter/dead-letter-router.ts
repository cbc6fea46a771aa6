import type { Message } from "../../message.ts";
import type { QueueSettings } from "../queue-settings.ts";
import type { DeathReason } from "./death.ts";

/** What a queue calls when a message dies in it. The virtual host implements it. */
export interface DeadLetterRouter {
  /**
   * Publishes a copy of `message` to the dead letter exchange of `settings`; does nothing when there is none, or it is
   * not there. The copy and the end of the original are one commit if the caller settles the original in the same turn.
   *
   * @param queueName the queue in which the message has died
   */
  deadLetter(message: Message, queueName: string, reason: DeathReason, settings: QueueSettings): void;
  /**
   * For at-least-once: publishes as {@link deadLetter} does, but only if some queue takes the message and none refuses
   * it. Returns whether it has; if not, the original must be kept and offered again later.
   */
  tryDeadLetter(message: Message, queueName: string, reason: DeathReason, settings: QueueSettings): boolean;
}
