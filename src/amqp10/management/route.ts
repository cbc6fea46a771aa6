import type { CommandContext } from "../../core/commands/context.ts";
import { isReservedName, type ResourceKind, resourceText } from "../../core/names.ts";
import type { Vhost } from "../../core/vhost.ts";
import { NULL } from "../codec/types.ts";
import { ManagementError } from "./management-error.ts";
import type { ManagementRequest, ManagementResponse } from "./request.ts";

/** What a route works with. */
export interface RouteContext {
  readonly commands: CommandContext;
  readonly vhost: Vhost;
  readonly request: ManagementRequest;
  /** The segments of the path that the route leaves open, decoded. */
  readonly names: readonly string[];
}

/** One method of one resource. */
export interface Route {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Undefined stands for any segment. */
  readonly path: readonly (string | undefined)[];
  /** @throws ManagementError, or BrokerError as the commands behind it */
  handle(context: RouteContext): ManagementResponse;
}

export const NO_CONTENT: ManagementResponse = { status: 204, body: NULL };

/** @throws ManagementError 400 for a name that AMQP 0-9-1 would silently change, 403 for a reserved one */
export function checkNewName(kind: ResourceKind, name: string, vhost: Vhost): void {
  checkLineBreaks(name);
  if (isReservedName(name)) {
    throw new ManagementError(403, `${resourceText(kind, name, vhost.name)} starts with reserved prefix 'amq.'`);
  }
}

/** @throws ManagementError 400 */
export function checkLineBreaks(name: string): void {
  if (/[\r\n]/.test(name)) {
    throw new ManagementError(400, `Bad name '${name}': line feed and carriage return characters not allowed`);
  }
}
