import { Message } from "../../src/core/message.ts";
import type { Consumer } from "../../src/core/queue/consumer.ts";
import type { SessionOutput } from "../../src/core/session/contract.ts";
import type { Session } from "../../src/core/session/session.ts";
import { contentBody, contentPropertiesEnd, contentPropertiesStart, encodeContent } from "../../src/wire/content.ts";
import { tableFrom } from "../../src/wire/field-table.ts";
import { tableToRecord } from "../../src/wire/field-table-json.ts";
import { decodeProperties, encodeProperties, type Properties } from "../../src/wire/properties.ts";
import { deliveryModeOf, type MessageView, publishedHeaders } from "./model-message.ts";
import type { Publish } from "./operation.ts";

const FRAME_BYTES_MAX = 131_072;

/** What a session has been told, in the order in which all of them were told things. */
export type LiveEvent =
  | {
      readonly what: "delivered";
      readonly session: number;
      readonly tag: string;
      readonly queueName: string;
      readonly deliveryTag: number;
      readonly redelivered: boolean;
      readonly view: MessageView;
    }
  | { readonly what: "returned"; readonly session: number; readonly view: MessageView }
  | { readonly what: "cancelled"; readonly session: number; readonly tag: string };

/** A session of the broker under test, which notes what it is told. */
export class LiveSession implements SessionOutput {
  readonly #number: number;
  readonly #events: LiveEvent[];
  readonly session: Session;
  writable = true;
  /** Whether each publish was confirmed rather than refused; undefined: neither yet. */
  readonly confirms: (boolean | undefined)[] = [];
  /** As in the model. */
  readonly timedOut = new Set<string>();
  #reported = 0;

  constructor(number: number, events: LiveEvent[], open: (output: SessionOutput) => Session) {
    this.#number = number;
    this.#events = events;
    this.session = open(this);
  }

  publish(publish: Publish, body: string): void {
    this.session.publish(messageOf(publish, body), publish.mandatory);
  }

  consume(queueName: string, options: { tag: string; noAck: boolean; exclusive: boolean; priority: number }): void {
    const { tag: consumerTag, noAck, exclusive, priority } = options;
    const table = tableFrom(priority === 0 ? {} : { "x-priority": priority });
    this.session.consume({ queueName, consumerTag, noAck, exclusive, arguments: table }, () => {});
  }

  toggleWritable(): void {
    this.writable = !this.writable;
    if (this.writable) this.session.outputWritable();
  }

  deliver(consumer: Consumer, deliveryTag: number, redelivered: boolean, message: Message): void {
    const { tag, queue } = consumer;
    const common = { what: "delivered", session: this.#number, tag, queueName: queue.name } as const;
    this.#events.push({ ...common, deliveryTag, redelivered, view: viewOfMessage(message) });
  }

  returned(message: Message): void {
    this.#events.push({ what: "returned", session: this.#number, view: viewOfMessage(message) });
  }

  consumerCancelled(tag: string): void {
    this.#events.push({ what: "cancelled", session: this.#number, tag });
  }

  consumerTimedOut(tag = ""): void {
    this.timedOut.add(tag);
  }

  confirmed(publishSequence: number, multiple: boolean): void {
    this.#report(publishSequence, multiple, true);
  }

  refused(publishSequence: number, multiple: boolean): void {
    this.#report(publishSequence, multiple, false);
  }

  #report(publishSequence: number, multiple: boolean, isTaken: boolean): void {
    if (!multiple) this.confirms[publishSequence - 1] = isTaken;
    else for (let index = this.#reported; index < publishSequence; index++) this.confirms[index] ??= isTaken;
    while (this.confirms[this.#reported] !== undefined) this.#reported++;
  }
}

/** What a receiver sees of a message. */
export function viewOfMessage(message: Message): MessageView {
  const { buffer, contentStart, contentEnd, exchangeName, routingKey } = message;
  const start = contentPropertiesStart(contentStart);
  const properties = decodeProperties(buffer, start, contentPropertiesEnd(buffer, contentStart));
  const { headers, deliveryMode, priority, expiration } = properties;
  return {
    body: contentBody(buffer, contentStart, contentEnd).toString(),
    exchange: exchangeName,
    routingKey,
    deliveryMode,
    priority,
    expiration,
    headers: headers === undefined ? undefined : tableToRecord(headers),
  };
}

/** A message as a session gets it from its client. */
export function messageOf(publish: Publish, body: string): Message {
  const headers = publishedHeaders(publish);
  const properties: Properties = {
    deliveryMode: deliveryModeOf(publish),
    priority: publish.priority,
    expiration: publish.expiration?.toString(),
    headers: headers === undefined ? undefined : tableFrom(headers),
  };
  const message = new Message();
  const address = Buffer.concat([publish.exchange, publish.routingKey].map(shortstr));
  const content = encodeContent(encodeProperties(properties), Buffer.from(body), FRAME_BYTES_MAX);
  message.buffer = Buffer.concat([address, content]);
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
  message.bodyBytes = body.length;
  return message;
}

function shortstr(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}
