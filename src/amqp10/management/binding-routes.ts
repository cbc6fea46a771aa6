import { bindExchange } from "../../core/commands/bind-exchange.ts";
import { bindQueue } from "../../core/commands/bind-queue.ts";
import { checkBindingAccess } from "../../core/commands/binding-access.ts";
import type { CommandContext } from "../../core/commands/context.ts";
import { unbindExchange } from "../../core/commands/unbind-exchange.ts";
import { unbindQueue } from "../../core/commands/unbind-queue.ts";
import type { Binding } from "../../core/exchange/exchange.ts";
import { isExchange } from "../../core/exchange/target.ts";
import type { ResourceKind } from "../../core/names.ts";
import type { Vhost } from "../../core/vhost.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import { argumentsHash, readBindingPath } from "./binding-location.ts";
import { BodyReader, bindingsBody } from "./bodies.ts";
import { ManagementError } from "./management-error.ts";
import { NO_CONTENT, type Route } from "./route.ts";

const KINDS = {
  source: "string",
  destination_queue: "string",
  destination_exchange: "string",
  binding_key: "string",
  arguments: "map",
} as const;

/** The ends of a binding, and its key. */
interface Ends {
  readonly source: string;
  readonly target: string;
  readonly targetKind: ResourceKind;
  readonly routingKey: string;
}

export const bindingRoutes: readonly Route[] = [
  {
    method: "POST",
    path: ["bindings"],
    handle({ commands, request }) {
      const body = new BodyReader("binding", request.body, KINDS);
      const isQueue = body.has("destination_queue");
      const ends: Ends = {
        source: body.text("source"),
        target: body.text(isQueue ? "destination_queue" : "destination_exchange"),
        targetKind: isQueue ? "queue" : "exchange",
        routingKey: body.text("binding_key", ""),
      };
      bind(commands, ends, body.table("arguments"));
      return NO_CONTENT;
    },
  },
  {
    method: "GET",
    path: ["bindings"],
    handle({ commands, vhost, request }) {
      const { query } = request;
      const source = query.get("src");
      const routingKey = query.get("key");
      const target = query.get("dstq") ?? query.get("dste");
      if (source === undefined || routingKey === undefined || target === undefined) {
        throw new ManagementError(400, "missing 'src', 'key', or 'dste' or 'dstq' in query");
      }
      const ends: Ends = { source, target, targetKind: query.has("dstq") ? "queue" : "exchange", routingKey };
      checkBindingAccess(commands, ends);
      return { status: 200, body: bindingsBody(bindingsBetween(vhost, ends)) };
    },
  },
  {
    method: "DELETE",
    path: ["bindings", undefined],
    handle({ commands, vhost, request }) {
      const ends = readBindingPath(request.path[1] as string);
      checkBindingAccess(commands, ends);
      const binding = bindingsBetween(vhost, ends).find((each) => argumentsHash(each.arguments) === ends.argumentsHash);
      if (binding !== undefined) unbind(commands, ends, binding.arguments);
      return NO_CONTENT;
    },
  },
];

function bindingsBetween(vhost: Vhost, { source, target, targetKind, routingKey }: Ends): Binding[] {
  const bindings = [...(vhost.findExchange(source)?.bindings ?? [])];
  return bindings.filter(
    (binding) =>
      binding.target.name === target &&
      isExchange(binding.target) === (targetKind === "exchange") &&
      binding.routingKey === routingKey,
  );
}

function bind(commands: CommandContext, ends: Ends, bindingArguments: FieldTable): void {
  const { source, target, targetKind, routingKey } = ends;
  const spec = { routingKey, arguments: bindingArguments };
  if (targetKind === "queue") bindQueue(commands, { ...spec, exchange: source, queue: target });
  else bindExchange(commands, { ...spec, source, destination: target });
}

function unbind(commands: CommandContext, ends: Ends, bindingArguments: FieldTable): void {
  const { source, target, targetKind, routingKey } = ends;
  const spec = { routingKey, arguments: bindingArguments };
  if (targetKind === "queue") unbindQueue(commands, { ...spec, exchange: source, queue: target });
  else unbindExchange(commands, { ...spec, source, destination: target });
}
