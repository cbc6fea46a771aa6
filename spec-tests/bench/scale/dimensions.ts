import { BACKLOG, SMALL_COMMITS } from "./backlog.ts";
import type { Dimension } from "./dimension.ts";
import { IDLE_CONNECTIONS } from "./idle-connections.ts";
import { LARGE_MESSAGES } from "./large-messages.ts";
import { MANY_QUEUES } from "./many-queues.ts";
import { TOPIC_BINDINGS } from "./topic-bindings.ts";

/** Everything that is scaled, in the order in which it is measured. */
export const DIMENSIONS: readonly Dimension[] = [
  BACKLOG,
  SMALL_COMMITS,
  IDLE_CONNECTIONS,
  MANY_QUEUES,
  TOPIC_BINDINGS,
  LARGE_MESSAGES,
];
