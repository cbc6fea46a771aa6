import type { TableLimits } from "../wire/field-table.ts";

/** Limits on what comes from outside. Each is checked before memory is set aside for what it limits. */
export interface BrokerLimits {
  /** Connections at one time. */
  readonly connectionsMax: number;
  /** Open channels per connection, offered as channel-max; 0: no limit. */
  readonly channelsMax: number;
  /** AMQP 1.0 sessions per connection. Their channels are numbered from 0: channel-max is one less. */
  readonly sessionsMax: number;
  /** AMQP 1.0 links per session. Their handles are numbered from 0: handle-max is one less. */
  readonly linksMax: number;
  /** Octets of a frame, offered as frame-max. */
  readonly frameBytesMax: number;
  /** Heartbeat interval offered; 0: none. A client's answer wins. */
  readonly heartbeatSeconds: number;
  /** Octets of a message body. */
  readonly messageBytesMax: number;
  /** Octets of bodies that one connection has begun to send and not finished, on all its channels; one message always fits. */
  readonly unfinishedBytesMax: number;
  /** Octets waiting to be sent to one client, beyond which it gets no deliveries and is not read from. */
  readonly outboxBytesMax: number;
  /** Octets taken from publishers and not yet written, beyond which publishers are not read from. */
  readonly unwrittenBytesMax: number;
  /** Octets of messages in memory, beyond which queues leave theirs to the store. */
  readonly queueMemoryBytesMax: number;
  /** Octets of publishes and acknowledgements one transaction may hold until it is committed. */
  readonly transactionBytesMax: number;
  /** Octets of a field table that the broker has to read: in a method, or the headers a message is routed by. */
  readonly tableBytesMax: number;
  /** Tables and arrays inside each other, in such a table. */
  readonly tableDepthMax: number;
  /** How long a client may take from connecting to connection.open. */
  readonly handshakeTimeoutMilliseconds: number;
  /** How long a consumer of a quorum queue may take to acknowledge, unless the queue or the consumer says otherwise. */
  readonly consumerTimeoutMilliseconds: number;
  /** How long a refused login is kept waiting before it is told, against guessing. */
  readonly loginRefusedDelayMilliseconds: number;
}

/** The limits on field tables, as the wire layer takes them. */
export function tableLimits({ tableBytesMax, tableDepthMax }: BrokerLimits): TableLimits {
  return { bytesMax: tableBytesMax, depthMax: tableDepthMax };
}

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

export const DEFAULT_LIMITS: BrokerLimits = {
  connectionsMax: 65_536,
  channelsMax: 2047,
  sessionsMax: 64,
  linksMax: 256,
  frameBytesMax: 128 * KIBIBYTE,
  heartbeatSeconds: 60,
  messageBytesMax: 16 * MEBIBYTE,
  unfinishedBytesMax: 64 * MEBIBYTE,
  outboxBytesMax: 4 * MEBIBYTE,
  unwrittenBytesMax: 32 * MEBIBYTE,
  queueMemoryBytesMax: 64 * MEBIBYTE,
  transactionBytesMax: 128 * MEBIBYTE,
  tableBytesMax: MEBIBYTE,
  tableDepthMax: 64,
  handshakeTimeoutMilliseconds: 10_000,
  consumerTimeoutMilliseconds: 1_800_000,
  loginRefusedDelayMilliseconds: 0,
};
