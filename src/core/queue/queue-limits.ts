import type { FieldTable } from "../../wire/field-table.ts";

/** What happens to a message that a full queue cannot keep. RabbitMQ: "Queue Length Limit". */
export type Overflow = "drop-head" | "reject-publish";

/** What a queue's arguments say of how long and how many messages it keeps; undefined: no limit. */
export interface QueueLimits {
  /** x-message-ttl: milliseconds from the publish after which a message expires. */
  readonly messageTtlMilliseconds: number | undefined;
  /** x-max-length: ready messages. */
  readonly lengthMax: number | undefined;
  /** x-max-length-bytes: octets of the bodies of ready messages. */
  readonly lengthBytesMax: number | undefined;
  /** x-overflow. */
  readonly overflow: Overflow;
}

/** The limits in the arguments of a queue, which have been checked. */
export function queueLimits(queueArguments: FieldTable): QueueLimits {
  return {
    messageTtlMilliseconds: integer(queueArguments, "x-message-ttl"),
    lengthMax: integer(queueArguments, "x-max-length"),
    lengthBytesMax: integer(queueArguments, "x-max-length-bytes"),
    overflow: rejectsPublishes(queueArguments) ? "reject-publish" : "drop-head",
  };
}

function integer(queueArguments: FieldTable, name: string): number | undefined {
  const value = queueArguments.get(name)?.value;
  return value === undefined ? undefined : Number(value);
}

/** Both reject-publish and reject-publish-dlx refuse what does not fit. */
function rejectsPublishes(queueArguments: FieldTable): boolean {
  const value = queueArguments.get("x-overflow")?.value;
  return value === "reject-publish" || value === "reject-publish-dlx";
}
