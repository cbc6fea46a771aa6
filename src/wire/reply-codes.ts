/**
 * AMQP 0-9-1 reply codes, with the scope RabbitMQ gives each: whether it ends the channel or the connection.
 * Source: AMQP 0-9-1 section 1.2 (constants); RabbitMQ 4.3 for the scopes.
 */
export const REPLY_CODES = {
  REPLY_SUCCESS: { code: 200, scope: "connection" },
  CONTENT_TOO_LARGE: { code: 311, scope: "channel" },
  NO_ROUTE: { code: 312, scope: "channel" },
  NO_CONSUMERS: { code: 313, scope: "channel" },
  CONNECTION_FORCED: { code: 320, scope: "connection" },
  INVALID_PATH: { code: 402, scope: "connection" },
  ACCESS_REFUSED: { code: 403, scope: "channel" },
  NOT_FOUND: { code: 404, scope: "channel" },
  RESOURCE_LOCKED: { code: 405, scope: "channel" },
  PRECONDITION_FAILED: { code: 406, scope: "channel" },
  FRAME_ERROR: { code: 501, scope: "connection" },
  SYNTAX_ERROR: { code: 502, scope: "connection" },
  COMMAND_INVALID: { code: 503, scope: "connection" },
  CHANNEL_ERROR: { code: 504, scope: "connection" },
  UNEXPECTED_FRAME: { code: 505, scope: "connection" },
  RESOURCE_ERROR: { code: 506, scope: "connection" },
  NOT_ALLOWED: { code: 530, scope: "connection" },
  NOT_IMPLEMENTED: { code: 540, scope: "connection" },
  INTERNAL_ERROR: { code: 541, scope: "connection" },
} as const;

export type ReplyName = keyof typeof REPLY_CODES;

/** Longest reply text a shortstr can carry, in octets. */
const REPLY_TEXT_BYTES_MAX = 255;

const ELLIPSIS = "...";

/** The text of a close: `NAME - explanation`, cut to 255 octets with a trailing "..." as RabbitMQ does. */
export function replyText(name: ReplyName, explanation: string): string {
  const octets = Buffer.from(`${name} - ${explanation}`);
  if (octets.length <= REPLY_TEXT_BYTES_MAX) return octets.toString();
  let end = REPLY_TEXT_BYTES_MAX - ELLIPSIS.length;
  while (((octets[end] as number) & 0xc0) === 0x80) end--; // Never through the middle of a UTF-8 character.
  return octets.toString("utf8", 0, end) + ELLIPSIS;
}
