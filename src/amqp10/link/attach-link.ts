import { Amqp10Error } from "../error-condition.ts";
import { isManagement } from "../management/management-address.ts";
import type { ManagementLinks } from "../management/management-links.ts";
import { prepareSource } from "./attach-source.ts";
import { attachCoordinator, prepareTarget } from "./attach-target.ts";
import type { AttachRequest, PreparedLink } from "./link.ts";
import type { LinkSession } from "./link-session.ts";
import { isCoordinator } from "./terminus.ts";

/** A session as it makes its links. */
export interface AttachingSession extends LinkSession {
  readonly management: ManagementLinks;
}

/**
 * Makes what a link needs that a client asks for.
 *
 * @throws Amqp10Error or BrokerError when there can be none
 */
export function prepareLink(session: AttachingSession, request: AttachRequest, clientReceives: boolean): PreparedLink {
  if (isManagement(clientReceives ? request.source : request.target)) {
    if (request.properties.get("paired")?.value !== true) {
      throw new Amqp10Error("amqp:invalid-field", "Link property 'paired' is not set to boolean value 'true'");
    }
    return { isDurable: false, attach: () => session.management.attach(session, request, clientReceives) };
  }
  if (clientReceives) return prepareSource(session, request);
  if (isCoordinator(request.target)) return { isDurable: false, attach: () => attachCoordinator(session, request) };
  return prepareTarget(session, request);
}
