import type { Duplex } from "node:stream";
import type { User } from "../core/auth/user.ts";
import type { Broker, ConnectionIdentity } from "../core/broker.ts";
import { UnfinishedBudget } from "../core/unfinished-budget.ts";
import type { Timer } from "../lib/clock.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import type { ServedConnection } from "../lib/served-connection.ts";
import { PERFORMATIVES, type Performative, readPerformative } from "./codec/performatives.ts";
import { composite } from "./codec/types.ts";
import { ConnectionInput, type InputHandler } from "./connection-input.ts";
import { DurableReplies } from "./durable-replies.ts";
import { Amqp10Error, errorField, refusalOf } from "./error-condition.ts";
import { type FrameInput, TYPE_AMQP, TYPE_SASL } from "./frame-input.ts";
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
class Connection implements ServedConnection, SessionHost, IdleListener, InputHandler {
  readonly broker: Broker;
  readonly output: FrameOutput;
  readonly unfinished: UnfinishedBudget;
  readonly replies: DurableReplies;
  readonly closed: Promise<void>;
  published = false;
  waitingBytes = 0;
  readonly #peer: PeerInfo;
  readonly #stream: Duplex;
  readonly #input: ConnectionInput;
  readonly #idle: IdleTimeout;
  readonly #sessions = new SessionTable(this);
  #state: State = "sasl-header";
  #user: User | undefined;
  #open: ClientOpen | undefined;
  #identity: ConnectionIdentity | undefined;
  #timer: Timer | undefined;
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
    this.replies = new DurableReplies(broker.barrier);
    this.#input = new ConnectionInput(stream, this.output, broker.turn, this, FIRST_FRAME_BYTES_MAX);
    this.#idle = new IdleTimeout(clock, this.output, this);
    broker.connectionCount++;
    stream.on("error", (error) =>
      broker.logger.debug("connection failed", { ...this.#logFields, error: error.message }),
    );
    stream.on("end", () => {
      this.#timer ??= clock.after(CLOSE_TIMEOUT_MILLISECONDS, () => this.output.end());
      // What has come and was held back is one read at most, and no more can follow.
      broker.flow.forget(this.#flowCleared);
      this.#flowCleared();
    });
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
    return this.#input.held;
  }

  // --- input ---

  inputReceived(): void {
    this.#idle.received();
  }

  takeNext(): boolean {
    const { frames } = this.#input;
    if (this.#state === "sasl-header" || this.#state === "amqp-header") {
      const header = frames.nextHeader();
      if (header !== undefined) this.#takeHeader(header);
      return header !== undefined;
    }
    if (!frames.next()) return false;
    this.#takeFrame(frames);
    // The publish that meets an alarm is taken; what came behind it waits, even if it has been received.
    if (this.published && this.broker.alarms.inEffect) this.#checkFlow();
    return true;
  }

  inputFailed(error: unknown): void {
    this.closeWith(refusalOf(error));
    this.#stopReading();
  }

  inputTaken(): void {
    if (this.published) this.#checkFlow();
  }

  inputEnded(): void {
    this.output.end();
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

  #takeFrame({ type, channel, buffer, bodyStart, bodyEnd }: FrameInput): void {
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
    this.#input.hold(this.#sessions);
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
    this.#input.frames.frameBytesMax = broker.limits.frameBytesMax;
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
    if (!flow.mustWait || this.#state !== "open" || this.#input.ended) return;
    this.#input.hold(flow);
    flow.whenClear(this.#flowCleared);
  }

  readonly #flowCleared = (): void => this.#input.letGo(this.broker.flow);

  waitingTaken(): void {
    for (const session of this.#sessions) session.outputWritable();
  }

  #outputWritable(): void {
    this.waitingTaken();
    this.#input.letGo(this.output);
  }

  answerWhenDurable(answer: () => void): void {
    let isAnswered = false;
    const answerNow = (): void => {
      isAnswered = true;
      answer();
      this.#input.letGo(answerNow);
    };
    this.replies.whenDefinitionsDurable(answerNow);
    if (!isAnswered) this.#input.hold(answerNow);
  }

  // --- closing ---

  /** Lets go of all that belongs to the connection in the broker. */
  #release(): void {
    this.#idle.stop();
    this.replies.forget();
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
    this.#input.letGoAll();
  }

  /** Sends what there is to send, then ends our side. */
  #endStream(): void {
    if (this.#state === "closed") return;
    if (this.#state !== "closing") this.#startClosing();
    this.output.end();
  }

  /** After malformed input nothing more can be understood: only what we have to say goes out. */
  #stopReading(): void {
    this.#input.discard();
    this.#endStream();
  }

  #streamClosed(): void {
    if (this.#state === "closed") return;
    if (this.#state !== "closing") this.#release();
    this.#state = "closed";
    this.#input.close();
    this.#timer?.cancel();
    this.broker.connectionCount--;
    this.broker.logger.info("connection closed", this.#logFields);
    this.#resolveClosed();
  }
}
