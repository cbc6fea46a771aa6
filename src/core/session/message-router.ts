// Hot file: route runs for every publish.

import type { FieldTable, TableLimits } from "../../wire/field-table.ts";
import type { Destination } from "../destination.ts";
import { BrokerError } from "../errors.ts";
import type { Message } from "../message.ts";
import { REPLY_QUEUE_NAME } from "../names.ts";
import type { PublishOrigin, PublishTap } from "../publish-tap.ts";
import {
  changeProperties,
  checkRareProperties,
  headersStart,
  inspectMessage,
  messageHeaders,
  type Publisher,
  replyTo,
} from "./message-inspector.ts";
import type { RouteResolver } from "./route-resolver.ts";
import { mayBeSenderSelected, senderSelected } from "./sender-selected.ts";

const NO_KEYS: readonly string[] = [];

/** Looks at the properties of what is published, and finds where it goes. */
export class MessageRouter {
  readonly #routes: RouteResolver;
  readonly #publisher: Publisher & PublishOrigin;
  readonly #tableLimits: TableLimits;
  readonly #tap: PublishTap | undefined;
  /** What `amq.rabbitmq.reply-to` in the reply-to property stands for; undefined: the session consumes no replies. */
  replyQueueName: string | undefined;

  constructor(
    routes: RouteResolver,
    publisher: Publisher & PublishOrigin,
    tableLimits: TableLimits,
    tap: PublishTap | undefined,
  ) {
    this.#routes = routes;
    this.#publisher = publisher;
    this.#tableLimits = tableLimits;
    this.#tap = tap;
  }

  /**
   * The destinations of `message`, whose properties are changed where the broker must: a BCC header is taken out and
   * a direct reply-to filled in.
   *
   * @throws BrokerError NOT_FOUND, ACCESS_REFUSED or PRECONDITION_FAILED
   */
  route(message: Message): readonly Destination[] {
    const destinations = this.#find(message);
    return this.#tap === undefined ? destinations : this.#tap.routed(message, destinations, this.#publisher);
  }

  /**
   * Checks what {@link route} checks, of a message that is to be routed later.
   *
   * @throws BrokerError as {@link route}
   */
  check(message: Message): void {
    if (inspectMessage(message)) this.#inspectRare(message);
    this.#routes.check(message);
  }

  #find(message: Message): readonly Destination[] {
    if (!inspectMessage(message)) return this.#routes.resolve(message);
    const furtherKeys = this.#inspectRare(message);
    return furtherKeys.length === 0 ? this.#routes.resolve(message) : this.#routes.resolveKeys(message, furtherKeys);
  }

  /** Returns the CC and BCC keys. */
  #inspectRare(message: Message): readonly string[] {
    checkRareProperties(message, this.#publisher, message.publishedAt);
    if (replyTo(message) === REPLY_QUEUE_NAME) {
      if (this.replyQueueName === undefined) {
        throw new BrokerError("PRECONDITION_FAILED", "fast reply consumer does not exist");
      }
      changeProperties(message, { replyTo: this.replyQueueName }, this.#tableLimits);
    }
    const start = headersStart(message);
    if (start < 0 || !mayBeSenderSelected(message.buffer, start, this.#tableLimits)) return NO_KEYS;
    const selected = senderSelected(messageHeaders(message, this.#tableLimits) as FieldTable);
    if (selected.headers !== undefined) {
      changeProperties(message, { headers: selected.headers }, this.#tableLimits);
      message.bcc = selected.bcc;
    }
    return selected.routingKeys;
  }
}
