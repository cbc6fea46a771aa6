import type { Broker, ConnectionIdentity } from "../../core/broker.ts";
import { BrokerError } from "../../core/errors.ts";
import type { ReplyName } from "../../wire/reply-codes.ts";
import { percentDecoded } from "../address.ts";
import { string } from "../codec/types.ts";
import { Amqp10Error } from "../error-condition.ts";
import { bindingRoutes } from "./binding-routes.ts";
import { exchangeRoutes } from "./exchange-routes.ts";
import { ManagementError } from "./management-error.ts";
import { queueRoutes } from "./queue-routes.ts";
import type { ManagementRequest, ManagementResponse } from "./request.ts";
import type { Route, RouteContext } from "./route.ts";

const ROUTES: readonly Route[] = [...queueRoutes, ...exchangeRoutes, ...bindingRoutes];

/** The status RabbitMQ 4 gives a refusal; permissions, for which it ends the session, have that of HTTP. */
const STATUSES: Readonly<Partial<Record<ReplyName, number>>> = {
  ACCESS_REFUSED: 403,
  NOT_FOUND: 404,
  PRECONDITION_FAILED: 409,
};

const BAD_REQUEST = 400;

/** Carries out a request; what is refused is a response too. */
export function handleRequest(
  broker: Broker,
  identity: ConnectionIdentity,
  request: ManagementRequest,
): ManagementResponse {
  try {
    const { route, names } = find(request);
    const context: RouteContext = { commands: broker.commandContext(identity), vhost: identity.vhost, request, names };
    return route.handle(context);
  } catch (error) {
    if (error instanceof ManagementError) return { status: error.status, body: string(error.message) };
    if (error instanceof BrokerError) {
      return { status: STATUSES[error.replyName] ?? BAD_REQUEST, body: string(error.message) };
    }
    if (error instanceof Amqp10Error) return { status: BAD_REQUEST, body: string(error.message) };
    throw error;
  }
}

function find({ method, path }: ManagementRequest): { route: Route; names: readonly string[] } {
  for (const route of ROUTES) {
    if (route.method !== method || route.path.length !== path.length) continue;
    if (!route.path.every((segment, index) => segment === undefined || segment === path[index])) continue;
    const names = path.filter((_, index) => route.path[index] === undefined).map(decoded);
    return { route, names };
  }
  throw new ManagementError(BAD_REQUEST, `no resource for ${method} /${path.join("/")}`);
}

function decoded(segment: string): string {
  const name = percentDecoded(segment);
  if (name === undefined) throw new ManagementError(BAD_REQUEST, `'${segment}' is not percent-encoded`);
  return name;
}
