import { percentDecoded } from "../address.ts";
import { Fields } from "../codec/fields.ts";
import {
  composite,
  described,
  echo,
  encodeValue,
  readValue,
  string,
  stringMap,
  type Typed,
  ulong,
} from "../codec/types.ts";
import { readSections, SECTIONS } from "../conversion/sections.ts";
import { Amqp10Error } from "../error-condition.ts";

/** A request for the management node: HTTP in a message. Source: HTTP over AMQP, working draft 06. */
export interface ManagementRequest {
  readonly messageId: Typed | undefined;
  readonly method: string;
  /** The segments of the path, still percent-encoded. */
  readonly path: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  /** Undefined: none. */
  readonly body: Typed | undefined;
}

/** What a request comes to. */
export interface ManagementResponse {
  /** An HTTP status. */
  readonly status: number;
  readonly body: Typed;
}

/** @throws Amqp10Error for what is no request */
export function readRequest(octets: Buffer): ManagementRequest {
  const sections = readSections(octets, 0, octets.length);
  const properties = sections.properties === undefined ? undefined : readValue(octets, sections.properties.valueStart);
  const fields = properties === undefined ? undefined : new Fields("properties", properties);
  const to = fields?.text(2);
  const method = fields?.text(3);
  if (to === undefined || method === undefined || fields?.text(4) !== "$me") {
    throw new Amqp10Error("amqp:invalid-field", "a request needs a subject, a 'to', and reply-to $me");
  }
  const [path = "", query = ""] = to.split("?", 2);
  const [body] = sections.body;
  const value = body?.code === SECTIONS.value ? readValue(octets, body.valueStart) : undefined;
  return {
    messageId: fields?.get(0),
    method,
    path: path.split("/").slice(1),
    query: parseQuery(query),
    body: value === undefined || value.value === null ? undefined : plain(value),
  };
}

/** The answer, encoded. */
export function encodeResponse(request: ManagementRequest, { status, body }: ManagementResponse): Buffer {
  return Buffer.concat([
    encodeValue(
      composite(SECTIONS.properties, [
        undefined,
        undefined,
        undefined,
        string(String(status)),
        undefined,
        request.messageId && echo(request.messageId),
      ]),
    ),
    encodeValue(described(ulong(SECTIONS.applicationProperties), stringMap([["http:response", string("1.1")]]))),
    encodeValue(described(ulong(SECTIONS.value), body)),
  ]);
}

/** The value of a section without the section's descriptor. */
function plain({ type, value }: Typed): Typed {
  return { type, value };
}

function parseQuery(query: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const pair of query.split("&")) {
    const [key = "", value = ""] = pair.split("=", 2);
    const name = percentDecoded(key);
    const text = percentDecoded(value.replaceAll("+", " "));
    if (name !== undefined && name !== "" && text !== undefined) result.set(name, text);
  }
  return result;
}
