import { afterEach, beforeEach, describe } from "node:test";
import { chunkRules } from "./suite/chunks.ts";
import { commitRules } from "./suite/commits.ts";
import { definitionRules } from "./suite/definitions.ts";
import { droppedQueueRules } from "./suite/dropped-queues.ts";
import { noteRules } from "./suite/notes.ts";
import { recoveryRules } from "./suite/recovery.ts";
import { transientChunkRules } from "./suite/transient-chunks.ts";
import { type StoreOpener, StoreUnderTest } from "./suite/store-under-test.ts";

/** What every store must do. */
export function storeSuite(name: string, openerOf: () => StoreOpener): void {
  describe(name, () => {
    const subject = new StoreUnderTest(openerOf);
    beforeEach(() => subject.begin());
    afterEach(() => subject.end());

    recoveryRules(subject);
    definitionRules(subject);
    noteRules(subject);
    chunkRules(subject);
    transientChunkRules(subject);
    commitRules(subject);
    droppedQueueRules(subject);
  });
}
