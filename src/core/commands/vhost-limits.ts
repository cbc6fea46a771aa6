import { type AdministrationContext, checkAdministrator, requireVhost } from "./administration.ts";

/**
 * Sets a limit of a virtual host, max-connections or max-queues. It closes and deletes nothing that is there.
 *
 * @param value an integer; a negative one stands for no limit
 * @throws BrokerError 403 for a user who is no administrator; 404 without the virtual host; 406 for an unknown limit or
 *   what is no integer
 */
export function setVhostLimit(context: AdministrationContext, vhost: string, name: string, value: unknown): void {
  checkAdministrator(context);
  requireVhost(context, vhost);
  context.usage.vhosts.update(vhost, { [name]: value });
}

/** Removes a limit of a virtual host, if it is set. @throws BrokerError 403 and 404 as {@link setVhostLimit} */
export function clearVhostLimit(context: AdministrationContext, vhost: string, name: string): void {
  checkAdministrator(context);
  requireVhost(context, vhost);
  context.usage.vhosts.remove(vhost, name);
}
