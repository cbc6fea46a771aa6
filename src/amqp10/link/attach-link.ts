import { Amqp10Error } from "../error-condition.ts";
import { isManagement } from "../management/management-address.ts";
import type { ManagementLinks } from "../management/management-links.ts";
import { attachSource } from "./attach-source.ts";
import { attachCoordinator, attachTarget } from "./attach-target.ts";
import type { AttachRequest, Link } from "./link.ts";
import type { LinkSession } from "./link-session.ts";
import { isCoordinator } from "./terminus.ts";

/** A session as it makes its links. */
export interface AttachingSession extends LinkSession {
  readonly management: ManagementLinks;
}

/**
 * Makes the link that a client asks for, and answers its attach.
 *
 * @throws Amqp10Error or BrokerError when there can be none; the attach has not been answered then
 */
export function attachLink(session: AttachingSession, request: AttachRequest, clientReceives: boolean): Link {
  if (isManagement(clientReceives ? request.source : request.target)) {
    if (request.properties.get("paired")?.value !== true) {
      throw new Amqp10Error("amqp:invalid-field", "Link property 'paired' is not set to boolean value 'true'");
    }
    return session.management.attach(session, request, clientReceives);
  }
  if (clientReceives) return attachSource(session, request);
  return isCoordinator(request.target) ? attachCoordinator(session, request) : attachTarget(session, request);
}
