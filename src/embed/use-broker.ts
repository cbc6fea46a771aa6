import type { EmbeddedBroker } from "./embedded-broker.ts";
import { type BrokerOptions, startBroker } from "./start-broker.ts";

/** The hooks of a test framework, as vitest and jest call them. */
export interface TestHooks {
  readonly beforeAll: (action: () => Promise<void>) => unknown;
  readonly afterEach: (action: () => Promise<void>) => unknown;
  readonly afterAll: (action: () => Promise<void>) => unknown;
}

/** The hooks of a test framework, as node:test and Mocha call them. */
export interface NodeTestHooks {
  readonly before: (action: () => Promise<void>) => unknown;
  readonly afterEach: (action: () => Promise<void>) => unknown;
  readonly after: (action: () => Promise<void>) => unknown;
}

/** Enough for any test, and no burden. */
const PUBLISH_LOG_MESSAGES_MAX = 10_000;

/**
 * One broker for all tests of a file or suite: started before the first, as good as new after each (see
 * {@link EmbeddedBroker.reset}), closed after the last. It records what is published.
 *
 * @returns gives the broker; to be called in tests and hooks only, because there is none before
 */
export function useBroker(hooks: TestHooks | NodeTestHooks, options: BrokerOptions = {}): () => EmbeddedBroker {
  const [beforeAll, afterAll] = "before" in hooks ? [hooks.before, hooks.after] : [hooks.beforeAll, hooks.afterAll];
  let broker: EmbeddedBroker | undefined;
  beforeAll(async () => {
    broker = await startBroker({ publishLogMessagesMax: PUBLISH_LOG_MESSAGES_MAX, ...options });
  });
  hooks.afterEach(async () => {
    await broker?.reset();
  });
  afterAll(async () => {
    await broker?.close();
    broker = undefined;
  });
  return () => {
    if (broker === undefined)
      throw new Error("the broker runs in tests and hooks only: beforeAll has not been called yet");
    return broker;
  };
}
