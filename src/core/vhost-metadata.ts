import { StoredFields } from "./definitions.ts";
import { BrokerError } from "./errors.ts";
import { jsonTerm } from "./json-term.ts";
import { QUEUE_TYPES, type QueueType } from "./queue-type.ts";

/** What is known of a virtual host beside its name. RabbitMQ: "Virtual Hosts", section on metadata. */
export interface VhostMetadata {
  readonly description: string;
  readonly tags: readonly string[];
  /** The type of new queues that ask for none; undefined: classic. */
  readonly defaultQueueType: QueueType | undefined;
}

export const NO_METADATA: VhostMetadata = { description: "", tags: [], defaultQueueType: undefined };

/** Words that stand for no default queue type in what clients and files send. RabbitMQ: `rabbit_queue_type`. */
const NO_QUEUE_TYPE: readonly unknown[] = [undefined, null, "undefined"];

/** @throws BrokerError PRECONDITION_FAILED, in RabbitMQ's words, for what is no queue type */
export function defaultQueueTypeOf(value: unknown): QueueType | undefined {
  if (NO_QUEUE_TYPE.includes(value)) return undefined;
  const type = QUEUE_TYPES.find((each) => each === value);
  if (type !== undefined) return type;
  throw new BrokerError("PRECONDITION_FAILED", queueTypeRefusal(value));
}

function queueTypeRefusal(value: unknown): string {
  if (value === "") return "default_queue_type must not be an empty string";
  if (typeof value === "string") return `${value} is not a valid queue type`;
  return `${jsonTerm(value)} is not a valid default_queue_type value`;
}

/** The value of a stored virtual host: `{ name }`, and what has been set of `description`, `tags`, `defaultQueueType`. */
export function vhostDefinition(name: string, { description, tags, defaultQueueType }: VhostMetadata): unknown {
  return {
    name,
    ...(description === "" ? {} : { description }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(defaultQueueType === undefined ? {} : { defaultQueueType }),
  };
}

/** @throws InvalidDefinitionError */
export function vhostFromDefinition(id: string, value: unknown): { name: string; metadata: VhostMetadata } {
  const fields = new StoredFields("vhost", id, value);
  const stored = value as Record<string, unknown>;
  const type = stored["defaultQueueType"];
  const defaultQueueType = QUEUE_TYPES.find((each) => each === type);
  if (type !== undefined && defaultQueueType === undefined) fields.fail("defaultQueueType is no queue type");
  return {
    name: fields.string("name"),
    metadata: {
      description: stored["description"] === undefined ? "" : fields.string("description"),
      tags: stored["tags"] === undefined ? [] : fields.strings("tags"),
      defaultQueueType,
    },
  };
}
