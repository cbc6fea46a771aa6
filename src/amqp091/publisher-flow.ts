import type { Broker } from "../core/broker.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** The connection whose publishes are held back. */
export interface PublisherFlowHost {
  readonly broker: Broker;
  send<N extends "connection.blocked" | "connection.unblocked">(name: N, args: MethodArguments<N>): void;
  /** Reads nothing more until {@link resumeInput} is called with the same reason. */
  holdInput(reason: object): void;
  resumeInput(reason: object): void;
}

/** Holds the input of one connection back while its publishes are more than the broker can take. */
export class PublisherFlow {
  /** Whether the client wants to be told of alarms. */
  tellsBlocked = false;
  readonly #host: PublisherFlowHost;
  /** True from connection.blocked to connection.unblocked. */
  #toldBlocked = false;

  constructor(host: PublisherFlowHost) {
    this.#host = host;
  }

  /** Called when messages have been published: holds input from now on if the broker cannot take more. */
  check(): void {
    const { flow, alarms } = this.#host.broker;
    if (!flow.mustWait) return;
    this.#host.holdInput(this);
    flow.whenClear(this.#cleared);
    alarms.listen(this.#alarmsChanged);
    this.#alarmsChanged();
  }

  /** Waits for nothing any more; input that is held stays so until the host resumes it. */
  forget(): void {
    const { flow, alarms } = this.#host.broker;
    flow.forget(this.#cleared);
    alarms.forget(this.#alarmsChanged);
  }

  /** Blocked is said once, whatever alarms join the first; unblocked when all are cleared. RabbitMQ's rules. */
  readonly #alarmsChanged = (): void => {
    const reason = this.#host.broker.flow.blockedReason;
    const isBlocked = reason !== undefined;
    if (isBlocked === this.#toldBlocked || !this.tellsBlocked) return;
    this.#toldBlocked = isBlocked;
    if (isBlocked) this.#host.send("connection.blocked", { reason });
    else this.#host.send("connection.unblocked", {});
  };

  readonly #cleared = (): void => {
    this.#host.broker.alarms.forget(this.#alarmsChanged);
    this.#host.resumeInput(this);
  };
}
