// Hot file: runs for every message that a client sends.

import { Message } from "../../core/message.ts";
import { encodeContent } from "../../wire/content.ts";
import type { FieldValue } from "../../wire/field-table.ts";
import { octetsFromString } from "../../wire/octet-string.ts";
import { encodeProperties, type Properties } from "../../wire/properties.ts";
import { Fields } from "../codec/fields.ts";
import { recordOf } from "../codec/type-names.ts";
import { readValue, type Typed } from "../codec/types.ts";
import { Amqp10Error } from "../error-condition.ts";
import { headersFromAnnotations, headersFromApplicationProperties, textAnnotation } from "./annotations.ts";
import { fingerprint } from "./fingerprint.ts";
import { ORIGINAL_SECTIONS_HEADER, packOriginalSections, setFingerprint } from "./original-sections.ts";
import { type ConvertedProperties, NO_PROPERTIES, readProperties } from "./properties-section.ts";
import { dataRange, type Range, readSections, SECTIONS, type Section, type Sections } from "./sections.ts";

/** The type property of a message whose body is not plain octets: it is sections of AMQP 1.0, encoded. */
export const AMQP10_BODY_TYPE = "amqp-1.0";

const PERSISTENT = 2;
const TRANSIENT = 1;
const SHORTSTR_BYTES_MAX = 255;
const UBYTE_MAX = 255;
const NO_ANNOTATIONS: ReadonlyMap<string, Typed> = new Map();

/** A message as a client of AMQP 1.0 sent it, taken apart. */
export class IncomingMessage {
  /** The `to` of its properties. */
  readonly to: string | undefined;
  /** What a JMS client says its `to` is: 0 or 2 a queue, 1 or 3 a topic. AMQP JMS Mapping, x-opt-jms-dest. */
  readonly jmsDestination: number | undefined;
  /** Octets of its body. */
  readonly bodyBytes: number;
  readonly #properties: Buffer;
  readonly #body: Buffer;

  /**
   * @param octets the message; it is not used after the constructor
   * @throws Amqp10Error amqp:decode-error
   */
  constructor(octets: Buffer) {
    const sections = readSections(octets, 0, octets.length);
    const converted = sections.properties === undefined ? NO_PROPERTIES : readProperties(octets, sections.properties);
    const annotations = annotationsOf(octets, sections.messageAnnotations);
    this.to = converted.to;
    const jmsDestination = annotations.get("x-opt-jms-dest")?.value;
    this.jmsDestination = typeof jmsDestination === "number" ? jmsDestination : undefined;
    // JMS clients send messages without a body, which the specification does not have.
    const isData = sections.body.every(({ code }) => code === SECTIONS.data);
    const data = isData ? sections.body.map((section) => dataRange(octets, section)) : undefined;
    this.#body = bodyOf(octets, sections, data);
    this.bodyBytes = this.#body.length;
    const headers = headersOf(octets, sections, converted, annotations);
    const properties: Properties = {
      ...converted.properties,
      ...headerProperties(octets, sections.header, annotations),
      type: isData ? shortText(annotations, "x-basic-type") : AMQP10_BODY_TYPE,
    };
    const packed = packOriginalSections(octets, sections, data);
    if (packed === undefined) {
      this.#properties = encodeProperties(properties);
      return;
    }
    setFingerprint(packed, fingerprint({ ...properties, headers }));
    headers.set(ORIGINAL_SECTIONS_HEADER, { type: "binary", value: packed });
    this.#properties = encodeProperties({ ...properties, headers });
  }

  /**
   * Makes `message` this one, published to `exchangeName` with `routingKey`.
   *
   * @param frameBytesMax the frame size in which the broker keeps content
   * @throws Amqp10Error amqp:precondition-failed for a name that is too long
   */
  publishAs(exchangeName: string, routingKey: string, frameBytesMax: number): Message {
    const address = Buffer.concat([shortstr(exchangeName), shortstr(routingKey)]);
    const content = encodeContent(this.#properties, this.#body, frameBytesMax);
    const message = new Message();
    message.buffer = Buffer.concat([address, content]);
    message.addressEnd = address.length;
    message.contentStart = address.length;
    message.contentEnd = message.buffer.length;
    message.bodyBytes = this.bodyBytes;
    return message;
  }
}

function annotationsOf(octets: Buffer, section: Section | undefined): ReadonlyMap<string, Typed> {
  if (section === undefined) return NO_ANNOTATIONS;
  return recordOf(readValue(octets, section.valueStart)) ?? NO_ANNOTATIONS;
}

function headersOf(
  octets: Buffer,
  { applicationProperties }: Sections,
  converted: ConvertedProperties,
  annotations: ReadonlyMap<string, Typed>,
): Map<string, FieldValue> {
  const ofApplication =
    applicationProperties === undefined ? [] : headersFromApplicationProperties(octets, applicationProperties);
  return new Map([...ofApplication, ...headersFromAnnotations(annotations), ...converted.headers]);
}

/** Delivery mode, priority and expiration; what the header does not say, annotations of 0-9-1 may. */
function headerProperties(
  octets: Buffer,
  header: Section | undefined,
  annotations: ReadonlyMap<string, Typed>,
): Properties {
  const fields = header === undefined ? undefined : new Fields("header", readValue(octets, header.valueStart));
  const priority = fields?.number(1, UBYTE_MAX);
  const ttl = fields?.number(2);
  const expiration = ttl === undefined ? shortText(annotations, "x-basic-expiration") : String(ttl);
  if (fields?.get(0) === undefined) {
    const mode = annotations.get("x-basic-delivery-mode")?.value;
    return { deliveryMode: typeof mode === "number" ? mode & 0xff : undefined, priority, expiration };
  }
  return { deliveryMode: fields.flag(0) ? PERSISTENT : TRANSIENT, priority, expiration };
}

/** An annotation that a short string can hold; undefined for any other. */
function shortText(annotations: ReadonlyMap<string, Typed>, key: string): string | undefined {
  const text = textAnnotation(annotations, key);
  return text !== undefined && Buffer.byteLength(text) <= SHORTSTR_BYTES_MAX ? text : undefined;
}

function bodyOf(octets: Buffer, { body }: Sections, data: readonly Range[] | undefined): Buffer {
  const ranges: readonly Range[] = data ?? body;
  const [first] = ranges;
  if (first !== undefined && ranges.length === 1) return octets.subarray(first.start, first.end);
  return Buffer.concat(ranges.map(({ start, end }) => octets.subarray(start, end)));
}

function shortstr(text: string): Buffer {
  const octets = octetsFromString(text);
  if (octets.length > SHORTSTR_BYTES_MAX) {
    throw new Amqp10Error(
      "amqp:precondition-failed",
      `exchange name or routing key of ${octets.length} octets is longer than ${SHORTSTR_BYTES_MAX}`,
    );
  }
  return Buffer.concat([Buffer.of(octets.length), octets]);
}
