import type { AttachRequest, LinkEnd } from "./link.ts";
import type { LinkSession } from "./link-session.ts";
import { type RememberedLinks, rememberedLinks } from "./remembered-links.ts";
import type { Terminus } from "./terminus.ts";
import { type DecidedLink, type DetachedLink, UnsettledDeliveries } from "./unsettled-deliveries.ts";

/** No link is remembered for longer without its client. */
const TIMEOUT_SECONDS_MAX = 24 * 60 * 60;
/** Links that a session remembers of those that its client has detached. */
const DETACHED_MAX = 256;
const LINK_DETACH = "link-detach";
const SESSION_END = "session-end";
const NEVER = "never";

/**
 * How long a target is kept, as far as that is done: in place of a connection's end, and of never, there are the end of
 * the session and a limit. Source: AMQP 1.0, parts 3.5.4 and 3.5.6.
 */
export function expiryInEffect(target: Terminus): Terminus {
  const { expiryPolicy, timeoutSeconds } = target;
  const seconds = expiryPolicy === NEVER ? TIMEOUT_SECONDS_MAX : Math.min(timeoutSeconds, TIMEOUT_SECONDS_MAX);
  if (expiryPolicy === undefined || expiryPolicy === LINK_DETACH) return { ...target, timeoutSeconds: seconds };
  return { ...target, expiryPolicy: SESSION_END, timeoutSeconds: seconds };
}

/** What is known of the deliveries on one link, and how long it is when the link has lost its client. */
export class LinkMemory implements DetachedLink {
  readonly unsettled: UnsettledDeliveries;
  /** True when the client has come back to a link that was still known. */
  readonly resumed: boolean;
  /** True when the link may outlive its session. */
  readonly outlivesSession: boolean;
  readonly #session: LinkSession;
  readonly #name: string;
  readonly #key: string;
  readonly #milliseconds: number;
  readonly #endsWithLink: boolean;
  readonly #links: RememberedLinks;
  #link: DecidedLink | undefined;

  /** @param target with the expiry in effect */
  constructor(session: LinkSession, request: AttachRequest, target: Terminus) {
    const { broker, identity, containerId } = session.host;
    this.#session = session;
    this.#name = request.name;
    // JSON, so that no name can pass for two.
    this.#key = JSON.stringify([identity.vhost.name, identity.user.name, containerId, request.name]);
    this.#milliseconds = target.timeoutSeconds * 1000;
    this.#endsWithLink = target.expiryPolicy === LINK_DETACH;
    this.#links = rememberedLinks(broker);
    this.outlivesSession = this.#milliseconds > 0;
    const known = request.unsettledTags === undefined ? undefined : this.#find();
    this.resumed = known !== undefined;
    this.unsettled = known ?? new UnsettledDeliveries();
    if (request.unsettledTags !== undefined && !request.unsettledIncomplete) {
      this.unsettled.retain(request.unsettledTags);
    }
  }

  /** The link is attached; one that had the same deliveries before is no more. */
  attached(link: DecidedLink): void {
    const former = this.unsettled.link;
    this.#link = link;
    this.unsettled.link = link;
    this.#session.detachedLinks.delete(this.#name);
    if (this.outlivesSession) this.#links.attach(this.#key, this.unsettled);
    former?.stolen();
  }

  /** The link is over. */
  ended(how: LinkEnd): void {
    if (!this.#isCurrent) return;
    if (how === "closed") this.#links.forget(this.#key, this.unsettled);
    else if (how === "lost" || this.#endsWithLink) this.sessionEnded();
    else this.#keepForSession();
  }

  sessionEnded(): void {
    if (this.#isCurrent && this.outlivesSession) {
      this.#links.suspend(this.#key, this.unsettled, this.#milliseconds);
    }
  }

  get #isCurrent(): boolean {
    return this.#link !== undefined && this.unsettled.link === this.#link;
  }

  #find(): UnsettledDeliveries | undefined {
    return this.#session.detachedLinks.get(this.#name)?.unsettled ?? this.#links.find(this.#key);
  }

  #keepForSession(): void {
    const { detachedLinks } = this.#session;
    for (const [name, memory] of detachedLinks) {
      if (detachedLinks.size < DETACHED_MAX) break;
      detachedLinks.delete(name);
      memory.sessionEnded();
    }
    detachedLinks.set(this.#name, this);
  }
}
