import { declareQueue } from "../../core/commands/declare-queue.ts";
import { deleteQueue } from "../../core/commands/delete-queue.ts";
import { purgeQueue } from "../../core/commands/purge-queue.ts";
import { EMPTY_TABLE } from "../../wire/field-table.ts";
import { BodyReader, messageCountBody, queueBody } from "./bodies.ts";
import { ManagementError } from "./management-error.ts";
import { checkLineBreaks, checkNewName, type Route } from "./route.ts";

const KINDS = { durable: "boolean", exclusive: "boolean", auto_delete: "boolean", arguments: "map" } as const;

export const queueRoutes: readonly Route[] = [
  {
    method: "GET",
    path: ["queues", undefined],
    handle({ commands, vhost, names }) {
      const [name = ""] = names;
      const properties = { durable: false, exclusive: false, autoDelete: false, arguments: EMPTY_TABLE };
      declareQueue(commands, { name, passive: true, ...properties });
      return { status: 200, body: queueBody(vhost.requireQueue(name)) };
    },
  },
  {
    method: "PUT",
    path: ["queues", undefined],
    handle({ commands, vhost, request, names }) {
      const [name = ""] = names;
      const body = new BodyReader("queue", request.body, KINDS);
      if (name === "") throw new ManagementError(400, "declare queue with empty name not allowed");
      checkNewName("queue", name, vhost);
      const { created } = declareQueue(commands, {
        name,
        passive: false,
        durable: body.flag("durable", true),
        exclusive: body.flag("exclusive", false),
        autoDelete: body.flag("auto_delete", false),
        arguments: body.table("arguments"),
      });
      return { status: created ? 201 : 200, body: queueBody(vhost.requireQueue(name)) };
    },
  },
  {
    method: "DELETE",
    path: ["queues", undefined],
    handle({ commands, names }) {
      const [name = ""] = names;
      checkLineBreaks(name);
      const count = deleteQueue(commands, { name, ifUnused: false, ifEmpty: false });
      return { status: 200, body: messageCountBody(count) };
    },
  },
  {
    method: "DELETE",
    path: ["queues", undefined, "messages"],
    handle({ commands, vhost, names }) {
      const [name = ""] = names;
      if (vhost.findQueue(name)?.type === "stream") {
        throw new ManagementError(400, `purge not supported by queue '${name}' in vhost '${vhost.name}'`);
      }
      return { status: 200, body: messageCountBody(purgeQueue(commands, name)) };
    },
  },
];
