import type { Socket } from "node:net";
import type { Logger } from "../lib/logger.ts";

/** The sockets that all listeners of a server have accepted, and how many there may be at one time. */
export class OpenSockets {
  readonly #socketsMax: number;
  readonly #logger: Logger;
  readonly #sockets = new Set<Socket>();
  #limitReported = false;

  constructor(socketsMax: number, logger: Logger) {
    this.#socketsMax = socketsMax;
    this.#logger = logger;
  }

  /** Takes note of an accepted socket until it closes; destroys it and returns false when there are too many. */
  admit(socket: Socket): boolean {
    if (this.#sockets.size >= this.#socketsMax) {
      socket.destroy();
      this.#reportLimit();
      return false;
    }
    this.#limitReported = false;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    return true;
  }

  /** Drops every socket without another byte. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #reportLimit(): void {
    if (this.#limitReported) return;
    this.#limitReported = true;
    this.#logger.warn("connections dropped: the limit of open sockets is reached", { socketsMax: this.#socketsMax });
  }
}
