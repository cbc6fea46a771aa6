import { WireError } from "../../wire/errors.ts";
import type { MethodArguments, MethodName, MethodSpec } from "../../wire/methods.ts";
import { accessMethods } from "./access.ts";
import { basicMethods } from "./basic.ts";
import { channelMethods } from "./channel.ts";
import { confirmMethods } from "./confirm.ts";
import { exchangeMethods } from "./exchange.ts";
import type { Handler, Handlers, MethodChannel } from "./handler.ts";
import { queueMethods } from "./queue.ts";
import { txMethods } from "./tx.ts";

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
  channel: MethodChannel,
  spec: MethodSpec<N>,
  args: MethodArguments<N>,
): void {
  const handler = HANDLERS[spec.name] as Handler<N> | undefined;
  if (handler === undefined) {
    throw new WireError("COMMAND_INVALID", "unimplemented method", spec.classId, spec.methodId);
  }
  handler(channel, args);
}
