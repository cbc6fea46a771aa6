import type { EmbeddedBroker } from "./embedded-broker.ts";
import { type BrokerOptions, startBroker } from "./start-broker.ts";

type Hook = (action: () => Promise<void>) => unknown;

/**
 * The hooks of a test framework: those of the same names in vitest and jest; in node:test `before`, `afterEach` and
 * `after`.
 */
export interface TestHooks {
  readonly beforeAll: Hook;
  readonly afterEach: Hook;
  readonly afterAll: Hook;
}

/** Enough for any test, and no burden. */
const PUBLISH_LOG_MESSAGES_MAX = 10_000;

/**
 * One broker for all tests of a file or suite: started before the first, as good as new after each (see
 * {@link EmbeddedBroker.reset}), closed after the last. It records what is published.
 *
 * @returns gives the broker; to be called in tests and hooks only, because there is none before
 */
export function useBroker(hooks: TestHooks, options: BrokerOptions = {}): () => EmbeddedBroker {
  let broker: EmbeddedBroker | undefined;
  hooks.beforeAll(async () => {
    broker = await startBroker({ publishLogMessagesMax: PUBLISH_LOG_MESSAGES_MAX, ...options });
  });
  hooks.afterEach(async () => {
    await broker?.reset();
  });
  hooks.afterAll(async () => {
    await broker?.close();
    broker = undefined;
  });
  return () => {
    if (broker === undefined)
      throw new Error("the broker runs in tests and hooks only: beforeAll has not been called yet");
    return broker;
  };
}
