import type { FieldTable } from "../../../wire/field-table.ts";
import { GROUP_HEADER, GROUP_PROPERTY } from "../../arguments/argument-names.ts";
import { APP_ID_KEY, HeaderKey, type KeySource } from "../../message-key.ts";

/** What the checked arguments of a queue say its messages are grouped by; undefined: by nothing. */
export function groupKeySource(queueArguments: FieldTable): KeySource | undefined {
  const header = queueArguments.get(GROUP_HEADER);
  if (header?.type === "longstr") return new HeaderKey(header.value);
  // The one property there is to be named: group-id of AMQP 1.0, which is app-id in AMQP 0-9-1.
  return queueArguments.has(GROUP_PROPERTY) ? APP_ID_KEY : undefined;
}
