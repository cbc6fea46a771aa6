import type { Received } from "./received.ts";

type Matches = (received: Received) => boolean;

/** What has arrived and was not yet taken, with waits that are bounded in time and say, when they fail, what had arrived. */
export class Inbox {
  /** Whether the stream has ended. */
  ended = false;
  readonly #waitMilliseconds: number;
  readonly #received: Received[] = [];
  readonly #wakeups = new Set<() => void>();

  /** @param waitMilliseconds how long any wait lasts at most */
  constructor(waitMilliseconds: number) {
    this.#waitMilliseconds = waitMilliseconds;
  }

  push(received: Received): void {
    this.#received.push(received);
  }

  /** Notes that nothing more will arrive. */
  end(): void {
    this.ended = true;
    this.wake();
  }

  /** Lets every wait look again. */
  wake(): void {
    for (const wakeup of [...this.#wakeups]) wakeup();
  }

  /** The names of the methods on the channel that were not yet taken. */
  names(channel: number): string[] {
    return this.#received.filter((received) => received.channel === channel).map((received) => received.name);
  }

  /** Waits for the first that matches and takes it. */
  next(what: string, matches: Matches): Promise<Received> {
    return this.until(what, () => {
      const index = this.#received.findIndex(matches);
      return index < 0 ? undefined : this.#received.splice(index, 1)[0];
    });
  }

  /** Waits until `check` gives something; fails early at the end of the connection unless that is what is waited for. */
  until<T>(what: string, check: () => T | undefined, endIsFine = false): Promise<T> {
    const error = new Error();
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timeout);
        this.#wakeups.delete(wakeup);
      };
      const fail = (why: string): void => {
        finish();
        const seen = this.#received.map(describe).join(", ");
        error.message = `${why} while waiting for ${what}; not yet taken: ${seen === "" ? "nothing" : seen}`;
        reject(error);
      };
      const wakeup = (): void => {
        const result = check();
        if (result !== undefined) {
          finish();
          resolve(result);
        } else if (!endIsFine && this.ended) {
          fail("the stream ended");
        } else if (!endIsFine && this.#received.some((received) => received.name === "connection.close")) {
          fail("the broker closed the connection");
        }
      };
      const timeout = setTimeout(() => fail(`${this.#waitMilliseconds} ms passed`), this.#waitMilliseconds);
      this.#wakeups.add(wakeup);
      wakeup();
    });
  }
}

/** What has arrived, in words. */
export function describe(received: Received): string {
  const { channel, name, args } = received;
  const close = args as { replyCode?: number; replyText?: string };
  const text = close.replyText === undefined ? "" : ` (${close.replyCode} ${close.replyText})`;
  return `${name}${text} on channel ${channel}`;
}
