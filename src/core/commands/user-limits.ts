import { type AdministrationContext, checkAdministrator, requireUser } from "./administration.ts";

/**
 * Sets a limit of a user, max-connections or max-channels. It closes nothing that is open.
 *
 * @param value an integer; a negative one stands for no limit
 * @throws BrokerError 403 for a user who is no administrator; 404 without the user; 406 for an unknown limit or what is
 *   no integer
 */
export function setUserLimit(context: AdministrationContext, user: string, name: string, value: unknown): void {
  checkAdministrator(context);
  requireUser(context, user);
  context.usage.users.update(user, { [name]: value });
}

/** Removes a limit of a user, if it is set. @throws BrokerError 403 and 404 as {@link setUserLimit} */
export function clearUserLimit(context: AdministrationContext, user: string, name: string): void {
  checkAdministrator(context);
  requireUser(context, user);
  context.usage.users.remove(user, name);
}
