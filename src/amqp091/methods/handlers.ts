import { WireError } from "../../wire/errors.ts";
import type { MethodArguments, MethodName, MethodSpec } from "../../wire/methods.ts";
import type { Channel } from "../channel.ts";
import { accessMethods } from "./access.ts";
import { basicMethods } from "./basic.ts";
import { channelMethods } from "./channel.ts";
import { confirmMethods } from "./confirm.ts";
import { exchangeMethods } from "./exchange.ts";
import { queueMethods } from "./queue.ts";
import { txMethods } from "./tx.ts";

/** Carries out one method; throws BrokerError for what must not be. */
export type Handler<N extends MethodName> = (channel: Channel, args: MethodArguments<N>) => void;

/** Handlers by method; one object per class. */
export type Handlers = { readonly [N in MethodName]?: Handler<N> };

const HANDLERS: Handlers = {
  ...accessMethods,
  ...basicMethods,
  ...channelMethods,
  ...confirmMethods,
  ...exchangeMethods,
  ...queueMethods,
  ...txMethods,
};

/**
 * Carries out a method that has come on a channel.
 *
 * @throws WireError COMMAND_INVALID for a method that only a server sends, or that belongs to channel 0
 */
export function handleMethod<N extends MethodName>(
  channel: Channel,
  spec: MethodSpec<N>,
  args: MethodArguments<N>,
): void {
  const handler = HANDLERS[spec.name] as Handler<N> | undefined;
  if (handler === undefined) {
    throw new WireError("COMMAND_INVALID", "unimplemented method", spec.classId, spec.methodId);
  }
  handler(channel, args);
}
