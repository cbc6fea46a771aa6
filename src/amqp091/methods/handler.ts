import type { CommandContext } from "../../core/commands/context.ts";
import type { Message } from "../../core/message.ts";
import type { Session } from "../../core/session/session.ts";
import type { MethodArguments, MethodName } from "../../wire/methods.ts";

/** A channel as the methods on it see it. */
export interface MethodChannel {
  readonly session: Session;
  /** What commands on this channel work with. */
  readonly commandContext: CommandContext;
  /** The queue declared last on this channel, which an empty queue name stands for. */
  lastQueueName: string | undefined;
  /** The queue that `name` means. @throws BrokerError NOT_FOUND when it is empty and none has been declared */
  queueName(name: string): string;
  /** Like `queueName` for a binding, in which an empty routing key then stands for that queue too. */
  bindingNames(queue: string, routingKey: string): { queue: string; routingKey: string };
  /** Sends a method. */
  send<N extends MethodName>(name: N, args: MethodArguments<N>): void;
  /** Sends a method once every definition changed so far is durable; until then the connection's input waits. */
  sendWhenDurable<N extends MethodName>(name: N, args: MethodArguments<N>): void;
  /** Like `sendWhenDurable`, once every change so far is durable, those of messages included. */
  sendWhenAllDurable<N extends MethodName>(name: N, args: MethodArguments<N>): void;
  /** Sends a method when `wait` calls back, perhaps at once; until then the connection's input waits. */
  sendAfter<N extends MethodName>(wait: (done: () => void) => void, name: N, args: MethodArguments<N>): void;
  /** Sends the content of `message`, right behind the method it belongs to. */
  sendContent(message: Message): void;
  /** The client has closed the channel. */
  remove(): void;
}

/** Carries out one method; throws BrokerError for what must not be. */
export type Handler<N extends MethodName> = (channel: MethodChannel, args: MethodArguments<N>) => void;

/** Handlers by method; one object per class. */
export type Handlers = { readonly [N in MethodName]?: Handler<N> };
