/** The embedding API: a broker inside your own process. See docs/embedding.md. */

export type { AlarmResource } from "./core/alarms.ts";
export type { EmbeddedBroker, InVhost, QueueState } from "./embed/embedded-broker.ts";
export {
  ChannelClosedError,
  type CloseReason,
  ConnectionClosedError,
  ConnectionLostError,
  PublishRejectedError,
} from "./embed/errors.ts";
export type { Faults } from "./embed/faults.ts";
export type {
  ConsumeOptions,
  DeclaredQueue,
  ExchangeDeclaration,
  InProcessChannel,
  InProcessChannelOptions,
  InProcessConsumer,
  PublishOptions,
  QueueDeclaration,
  ReturnedInProcess,
} from "./embed/in-process-channel.ts";
export type { InProcessMessage } from "./embed/in-process-message.ts";
export type {
  GivenValue,
  MessageProperties,
  PlainTable,
  PlainValue,
  ReceivedProperties,
} from "./embed/plain-message.ts";
export type { PublishedMessage, PublishFilter } from "./embed/publish-log.ts";
export type { BrokerProtocol, ListenerOptions, ServerNameOptions, ServerOptions } from "./embed/server-options.ts";
export { type BrokerOptions, startBroker } from "./embed/start-broker.ts";
export { type NodeTestHooks, type TestHooks, useBroker } from "./embed/use-broker.ts";
export { type WaitOptions, WaitTimeoutError } from "./embed/wait.ts";
export type { Clock, Timer } from "./lib/clock.ts";
export type { LogFields, Logger } from "./lib/logger.ts";
export { ManualClock } from "./lib/manual-clock.ts";
export { ConfigError } from "./server/config.ts";
export { StartError } from "./server/start-error.ts";
