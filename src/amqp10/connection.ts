import type { Duplex } from "node:stream";
import type { User } from "../core/auth/user.ts";
import type { Broker, ConnectionIdentity } from "../core/broker.ts";
import { UnfinishedBudget } from "../core/unfinished-budget.ts";
import type { Timer } from "../lib/clock.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import type { ServedConnection } from "../lib/served-connection.ts";
import { PERFORMATIVES, type Performative, readPerformative } from "./codec/performatives.ts";
import { composite } from "./codec/types.ts";
import { Amqp10Error, errorField, refusalOf } from "./error-condition.ts";
import { FrameInput, TYPE_AMQP, TYPE_SASL } from "./frame-input.ts";
import { FrameOutput } from "./frame-output.ts";
import { type IdleListener, IdleTimeout } from "./idle-timeout.ts";
import { admit, type ClientOpen, channelMaxOf, openFrame, readOpen } from "./open.ts";
import { type SaslOutcome, saslMechanismsFrame, saslOutcomeFrame, takeSaslInit } from "./sasl-exchange.ts";
import type { SessionHost } from "./session-host.ts";
import { SessionTable } from "./session-table.ts";

/** How long a client gets to answer our close, and to close its socket afterwards. */
const CLOSE_TIMEOUT_MILLISECONDS = 10_000;

/** The largest frame before the limits are agreed on, as in RabbitMQ: more than the 512 octets of the specification. */
const FIRST_FRAME_BYTES_MAX = 8192;

const SASL_HEADER = Buffer.from("AMQP\x03\x01\x00\x00", "latin1");
const AMQP_HEADER = Buffer.from("AMQP\x00\x01\x00\x00", "latin1");

type State = "sasl-header" | "sasl-init" | "amqp-header" | "awaiting-open" | "open" | "closing" | "closed";

/** Speaks AMQP 1.0 on an accepted stream of which nothing has been read. */
export function serveAmqp10(broker: Broker, stream: Duplex, peer: PeerInfo): ServedConnection {
  return new Connection(broker, stream, peer);
}

/** One AMQP 1.0 connection. */
class Connection implements ServedConnection, SessionHost, IdleListener {
  readonly broker: Broker;
  readonly output: FrameOutput;
  readonly unfinished: UnfinishedBudget;
  readonly closed: Promise<void>;
  published = false;
  waitingBytes = 0;
  readonly #peer: PeerInfo;
  readonly #stream: Duplex;
  readonly #input = new FrameInput(FIRST_FRAME_BYTES_MAX);
  readonly #idle: IdleTimeout;
  readonly #sessions = new SessionTable(this);
  #state: State = "sasl-header";
  #user: User | undefined;
  #open: ClientOpen | undefined;
  #identity: ConnectionIdentity | undefined;
  #timer: Timer | undefined;
  /** Reasons not to read on. */
  readonly #holds = new Set<object>();
  #reading = false;
  #resolveClosed: () => void = () => {};

  constructor(broker: Broker, stream: Duplex, peer: PeerInfo) {
    const { limits, clock } = broker;
    this.broker = broker;
    this.#peer = peer;
    this.#stream = stream;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.output = new FrameOutput(stream, broker.turn, limits.outboxBytesMax, () => this.#outputWritable());
    this.unfinished = new UnfinishedBudget(Math.max(limits.unfinishedBytesMax, limits.messageBytesMax));
    this.#idle = new IdleTimeout(clock, this.output, this);
    broker.connectionCount++;
    stream.on("data", (octets: Buffer) => this.#takeOctets(octets));
    stream.on("error", (error) =>
      broker.logger.debug("connection failed", { ...this.#logFields, error: error.message }),
    );
    stream.on("end", () => this.output.end());
    stream.on("close", () => this.#streamClosed());
    this.#timer = clock.after(limits.handshakeTimeoutMilliseconds, () => {
      broker.logger.warn("handshake timed out", this.#logFields);
      stream.destroy();
    });
  }

  get identity(): ConnectionIdentity {
    return this.#identity as ConnectionIdentity;
  }

  get containerId(): string {
    return this.#open?.containerId ?? "";
  }

  get frameBytesMax(): number {
    return this.#open?.frameBytesMax ?? FIRST_FRAME_BYTES_MAX;
  }

  get #logFields(): Record<string, unknown> {
    return { peer: `${this.#peer.host}:${this.#peer.port}`, user: this.#user?.name, protocol: "AMQP 1.0" };
  }

  close(reason: string): void {
    if (this.#state === "open") this.closeWith(new Amqp10Error("amqp:connection:forced", reason));
    else if (this.#state !== "closing" && this.#state !== "closed") this.#stream.destroy();
  }

  /** Ends the connection with an error; does nothing when it is ending already. */
  closeWith(error: Amqp10Error): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    const { condition, message } = error;
    this.broker.logger.warn("closing connection", { ...this.#logFields, condition, description: message });
    if (this.#state === "sasl-header" || this.#state === "sasl-init" || this.#state === "amqp-header") {
      this.#endStream();
      return;
    }
    // A close must follow an open.
    if (this.#state === "awaiting-open") this.output.performative(0, openFrame(this.broker, 0));
    this.#release();
    this.output.performative(0, composite(PERFORMATIVES.close, [errorField(error)]));
    this.#startClosing();
  }

  peerSilent(): void {
    this.closeWith(
      new Amqp10Error("amqp:resource-limit-exceeded", "no frame received from client within idle timeout threshold"),
    );
    this.#endStream();
  }

  get inputHeld(): boolean {
    return this.#holds.size > 0;
  }

  // --- input ---

  #takeOctets(octets: Buffer): void {
    this.#idle.received();
    if (this.#state === "closed") return;
    this.#input.push(octets);
    if (!this.#reading) this.#read();
  }

  #read(): void {
    this.#reading = true;
    try {
      while (this.#mayRead() && this.#readOne()) if (this.published && this.broker.alarms.inEffect) this.#checkFlow();
    } catch (error) {
      this.closeWith(refusalOf(error));
      this.#stopReading();
    } finally {
      this.#reading = false;
    }
    if (this.published) this.#checkFlow();
    if (this.#holds.size === 0 && this.#stream.isPaused()) this.#stream.resume();
  }

  #mayRead(): boolean {
    if (this.#state === "closed") return false;
    if (!this.output.writable) this.#hold(this.output);
    return this.#holds.size === 0;
  }

  /** Takes the next protocol header or frame; false when it is not complete. */
  #readOne(): boolean {
    if (this.#state === "sasl-header" || this.#state === "amqp-header") {
      const header = this.#input.nextHeader();
      if (header !== undefined) this.#takeHeader(header);
      return header !== undefined;
    }
    if (!this.#input.next()) return false;
    this.#takeFrame();
    return true;
  }

  /** RabbitMQ too takes no client that does without SASL: it is told so by the header we expect. */
  #takeHeader(header: Buffer): void {
    const expected = this.#state === "sasl-header" ? SASL_HEADER : AMQP_HEADER;
    this.output.write(expected);
    if (!header.equals(expected)) {
      this.broker.logger.warn("unexpected protocol header", { ...this.#logFields, header: header.toString("hex") });
      this.#stopReading();
    } else if (this.#state === "sasl-header") {
      this.output.performative(0, saslMechanismsFrame(this.broker, this.#peer), TYPE_SASL);
      this.#state = "sasl-init";
    } else {
      this.#state = "awaiting-open";
    }
  }

  #takeFrame(): void {
    const { type, channel, buffer, bodyStart, bodyEnd } = this.#input;
    if (type !== (this.#state === "sasl-init" ? TYPE_SASL : TYPE_AMQP)) {
      throw new Amqp10Error("amqp:connection:framing-error", `unexpected frame type ${type}`);
    }
    if (bodyStart === bodyEnd) return;
    const performative = readPerformative(buffer, bodyStart, bodyEnd);
    if (this.#state === "sasl-init") this.#takeLogin(performative);
    else if (this.#state === "awaiting-open") this.#takeOpen(performative);
    else if (performative.code === PERFORMATIVES.close) this.#takeClose();
    else if (this.#state === "open") this.#sessions.take(channel, performative, buffer, bodyEnd);
  }

  #takeLogin(performative: Performative): void {
    const outcome = takeSaslInit(this.broker, this.#peer, performative);
    this.#user = outcome.user;
    if (outcome.user !== undefined) {
      this.output.performative(0, saslOutcomeFrame(outcome), TYPE_SASL);
      this.#state = "amqp-header";
      return;
    }
    this.broker.logger.warn("login refused", { ...this.#logFields, reason: outcome.reason });
    this.#hold(this.#sessions);
    const { limits, clock } = this.broker;
    if (limits.loginRefusedDelayMilliseconds === 0) this.#refuseLogin(outcome);
    else clock.after(limits.loginRefusedDelayMilliseconds, () => this.#refuseLogin(outcome));
  }

  #refuseLogin(outcome: SaslOutcome): void {
    this.output.performative(0, saslOutcomeFrame(outcome), TYPE_SASL);
    this.#stopReading();
  }

  #takeOpen({ code, fields }: Performative): void {
    if (code !== PERFORMATIVES.open) throw new Amqp10Error("amqp:not-allowed", "expected open");
    const { broker } = this;
    const open = readOpen(fields);
    const user = this.#user as User;
    const vhost = admit(broker, user, open);
    const channelMax = channelMaxOf(broker, open);
    this.#open = open;
    this.#identity = { user, vhost, connection: this };
    broker.usage.connectionOpened(user.name, vhost.name);
    this.#state = "open";
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sessions.channelMax = channelMax;
    this.#input.frameBytesMax = broker.limits.frameBytesMax;
    if (open.idleMilliseconds > 0) this.#idle.sendEvery(Math.floor(open.idleMilliseconds / 2));
    if (broker.limits.heartbeatSeconds > 0) this.#idle.expectEvery(broker.limits.heartbeatSeconds * 1000);
    this.output.performative(0, openFrame(broker, channelMax));
    broker.logger.info("connection opened", { ...this.#logFields, vhost: vhost.name, container: open.containerId });
  }

  #takeClose(): void {
    if (this.#state === "open") {
      this.#release();
      this.output.performative(0, composite(PERFORMATIVES.close, []));
    }
    this.#endStream();
  }

  // --- flow ---

  #checkFlow(): void {
    this.published = false;
    const { flow } = this.broker;
    if (!flow.mustWait || this.#state !== "open") return;
    this.#hold(flow);
    flow.whenClear(this.#flowCleared);
  }

  readonly #flowCleared = (): void => this.#letGo(this.broker.flow);

  waitingTaken(): void {
    for (const session of this.#sessions) session.outputWritable();
  }

  #outputWritable(): void {
    this.waitingTaken();
    this.#letGo(this.output);
  }

  /** Reads nothing more until {@link #letGo} is called with the same reason. */
  #hold(reason: object): void {
    if (this.#holds.size === 0) this.#stream.pause();
    this.#holds.add(reason);
  }

  #letGo(reason: object): void {
    if (!this.#holds.delete(reason) || this.#state === "closed") return;
    if (this.#holds.size === 0 && !this.#reading) this.#read();
  }

  // --- closing ---

  /** Lets go of all that belongs to the connection in the broker. */
  #release(): void {
    this.#idle.stop();
    this.broker.flow.forget(this.#flowCleared);
    this.#sessions.closeAll();
    if (this.#identity === undefined) return;
    const { user, vhost } = this.#identity;
    vhost.deleteExclusiveQueues(this);
    this.broker.usage.connectionClosed(user.name, vhost.name);
  }

  #startClosing(): void {
    this.#state = "closing";
    this.#timer?.cancel();
    this.#timer = this.broker.clock.after(CLOSE_TIMEOUT_MILLISECONDS, () => this.#stream.destroy());
    for (const reason of [...this.#holds]) this.#letGo(reason);
  }

  /** Sends what there is to send, then ends our side. */
  #endStream(): void {
    if (this.#state === "closed") return;
    if (this.#state !== "closing") this.#startClosing();
    this.output.end();
  }

  /** After malformed input nothing more can be understood: only what we have to say goes out. */
  #stopReading(): void {
    this.#endStream();
    this.#stream.removeAllListeners("data");
    this.#stream.resume();
  }

  #streamClosed(): void {
    if (this.#state === "closed") return;
    if (this.#state !== "closing") this.#release();
    this.#state = "closed";
    this.#timer?.cancel();
    this.broker.connectionCount--;
    this.broker.logger.info("connection closed", this.#logFields);
    this.#resolveClosed();
  }
}
