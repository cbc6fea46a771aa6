import { withDefaultQueueType } from "../../arguments/default-queue-type.ts";
import type { QueueType } from "../../queue-type.ts";
import type { QueueProperties } from "../declare-queue.ts";
import type { DefinitionsBroker } from "./definitions-broker.ts";
import type { DefinedQueue, DefinitionsDocument } from "./definitions-document.ts";

/** Says what a queue of a document is declared with, the type that its virtual host gives it included. */
export class QueuePropertiesReader {
  readonly #broker: DefinitionsBroker;
  /** By virtual host, where the document has one. */
  readonly #defaultQueueTypes: ReadonlyMap<string, QueueType | undefined>;

  constructor(broker: DefinitionsBroker, document: DefinitionsDocument) {
    this.#broker = broker;
    this.#defaultQueueTypes = new Map(document.vhosts.map(({ name, metadata }) => [name, metadata.defaultQueueType]));
  }

  read({ vhost, durable, autoDelete, arguments: queueArguments, isTyped }: DefinedQueue): QueueProperties {
    const properties = { durable, autoDelete, exclusive: false };
    const given = this.#defaultQueueTypes.get(vhost);
    const defaultQueueType = given ?? this.#broker.findVhost(vhost)?.metadata.defaultQueueType;
    const filledIn = isTyped ? undefined : defaultQueueType;
    return { ...properties, arguments: withDefaultQueueType(queueArguments, properties, filledIn) };
  }
}
