import { declareExchange } from "../../core/commands/declare-exchange.ts";
import { deleteExchange } from "../../core/commands/delete-exchange.ts";
import { BrokerError } from "../../core/errors.ts";
import { checkExchangeType } from "../../core/exchange/create-exchange.ts";
import { BodyReader } from "./bodies.ts";
import { ManagementError } from "./management-error.ts";
import { checkLineBreaks, checkNewName, NO_CONTENT, type Route } from "./route.ts";

const KINDS = {
  type: "string",
  durable: "boolean",
  auto_delete: "boolean",
  internal: "boolean",
  arguments: "map",
} as const;

export const exchangeRoutes: readonly Route[] = [
  {
    method: "PUT",
    path: ["exchanges", undefined],
    handle({ commands, vhost, request, names }) {
      const [name = ""] = names;
      const body = new BodyReader("exchange", request.body, KINDS);
      const type = body.text("type", "direct");
      checkType(type);
      if (vhost.findExchange(name) === undefined) checkNewName("exchange", name, vhost);
      declareExchange(commands, {
        name,
        passive: false,
        type,
        durable: body.flag("durable", true),
        autoDelete: body.flag("auto_delete", false),
        internal: body.flag("internal", false),
        arguments: body.table("arguments"),
      });
      return NO_CONTENT;
    },
  },
  {
    method: "DELETE",
    path: ["exchanges", undefined],
    handle({ commands, names }) {
      const [name = ""] = names;
      checkLineBreaks(name);
      deleteExchange(commands, { name, ifUnused: false });
      return NO_CONTENT;
    },
  },
];

/** @throws ManagementError 400, which RabbitMQ makes of this one refusal */
function checkType(type: string): void {
  try {
    checkExchangeType(type);
  } catch (error) {
    if (error instanceof BrokerError) throw new ManagementError(400, error.message);
    throw error;
  }
}
