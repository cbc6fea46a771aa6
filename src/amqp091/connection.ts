// Hot file: the read loop runs for every frame received.

import type { Duplex } from "node:stream";
import type { User } from "../core/auth/user.ts";
import type { Broker, ConnectionIdentity } from "../core/broker.ts";
import { BrokerError } from "../core/errors.ts";
import { ReadBudget } from "../core/read-budget.ts";
import { UnfinishedBudget } from "../core/unfinished-budget.ts";
import type { Vhost } from "../core/vhost.ts";
import type { Timer } from "../lib/clock.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import type { ServedConnection } from "../lib/served-connection.ts";
import { WireError } from "../wire/errors.ts";
import { FRAME_HEARTBEAT, FRAME_METHOD, PROTOCOL_HEADER } from "../wire/frame.ts";
import { FrameReader } from "../wire/frame-reader.ts";
import { encodeMethodFrame } from "../wire/method-codec.ts";
import type { MethodArguments, MethodName } from "../wire/methods.ts";
import { REPLY_CODES, replyText } from "../wire/reply-codes.ts";
import type { Channel, ChannelHost } from "./channel.ts";
import { ChannelTable } from "./channel-table.ts";
import { ConnectionMethods, type ConnectionMethodsHost } from "./connection-methods.ts";
import { type ClientCapabilities, Handshake, type HandshakeHost, type Negotiated } from "./handshake.ts";
import { Heartbeat, type HeartbeatListener } from "./heartbeat.ts";
import { Outbox, OutboxPool } from "./outbox.ts";
import { PublisherFlow, type PublisherFlowHost } from "./publisher-flow.ts";

/** How long a client gets to answer connection.close, and to close its socket after close-ok. */
const CLOSE_TIMEOUT_MILLISECONDS = 10_000;

/** A connection's share of a turn: of small messages a third as many, some 3 ms. See docs/decisions/0010. */
const FRAMES_PER_TURN = 4000;

type State = "handshake" | "open" | "closing" | "closed";

/** Speaks AMQP 0-9-1 on an accepted stream. */
export function serveConnection(broker: Broker, stream: Duplex, peer: PeerInfo): ServedConnection {
  return new Connection(broker, stream, peer, OutboxPool.of(broker));
}

/** One AMQP 0-9-1 connection. */
export class Connection
  implements ServedConnection, ChannelHost, HandshakeHost, ConnectionMethodsHost, HeartbeatListener, PublisherFlowHost
{
  readonly broker: Broker;
  readonly peer: PeerInfo;
  readonly outbox: Outbox;
  readonly unfinished: UnfinishedBudget;
  readonly closed: Promise<void>;
  /** The largest frame the client takes; 0: any. */
  frameBytesMax = 0;
  consumerCancelNotify = false;
  /** True when a message has been published since the last look at the flow. */
  published = false;
  readonly #stream: Duplex;
  readonly #budget: ReadBudget;
  readonly #reader: FrameReader;
  readonly #handshake: Handshake;
  readonly #methods: ConnectionMethods;
  readonly #flow: PublisherFlow;
  readonly #channels = new ChannelTable(this);
  #identity: ConnectionIdentity | undefined;
  #state: State = "handshake";
  #heartbeat: Heartbeat | undefined;
  #timer: Timer | undefined;
  /** Channels waiting for something to become durable, and other reasons not to read on. */
  readonly #holds = new Set<object>();
  #reading = false;
  /** True when the client has ended its side. */
  #isInputEnded = false;
  #afterReply: (() => void)[] = [];
  #resolveClosed: () => void = () => {};

  constructor(broker: Broker, stream: Duplex, peer: PeerInfo, pool: OutboxPool) {
    const { limits, clock } = broker;
    this.broker = broker;
    this.peer = peer;
    this.#stream = stream;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.outbox = new Outbox(stream, broker.turn, pool, limits.outboxBytesMax, () => this.#outputWritable());
    this.#budget = new ReadBudget(broker.turn, {
      framesPerTurn: FRAMES_PER_TURN,
      pauseInput: () => stream.pause(),
      renewInput: () => this.#resumeStream(),
    });
    this.unfinished = new UnfinishedBudget(Math.max(limits.unfinishedBytesMax, limits.messageBytesMax));
    this.#reader = new FrameReader(limits.frameBytesMax, true);
    this.#handshake = new Handshake(this);
    this.#methods = new ConnectionMethods(this);
    this.#flow = new PublisherFlow(this);
    broker.connectionCount++;
    stream.on("data", (chunk: Buffer) => this.#takeOctets(chunk));
    stream.on("error", (error) =>
      broker.logger.debug("connection failed", { ...this.logFields, error: error.message }),
    );
    stream.on("end", () => this.#inputEnded());
    stream.on("close", () => this.#streamClosed());
    this.#timer = clock.after(limits.handshakeTimeoutMilliseconds, () => {
      broker.logger.warn("handshake timed out", this.logFields);
      stream.destroy();
    });
  }

  /** Who the connection acts for; set when connection.open has succeeded. */
  get identity(): ConnectionIdentity {
    return this.#identity as ConnectionIdentity;
  }

  get logFields(): Record<string, unknown> {
    return { peer: `${this.peer.host}:${this.peer.port}`, user: this.#identity?.user.name };
  }

  close(reason: string): void {
    if (this.#state === "handshake") this.#stream.destroy();
    else this.closeWith(new BrokerError("CONNECTION_FORCED", reason), 0, 0);
  }

  /** Sends a method on channel 0. */
  send<N extends MethodName>(name: N, args: MethodArguments<N>): void {
    this.outbox.write(encodeMethodFrame(0, name, args));
  }

  /** Ends the connection with connection.close; does nothing when it is ending already. */
  closeWith(error: BrokerError | WireError, classId: number, methodId: number): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    const text = replyText(error.replyName, error.message);
    this.broker.logger.warn("closing connection", { ...this.logFields, reply: text });
    this.#release();
    const { code: replyCode } = REPLY_CODES[error.replyName];
    this.send("connection.close", { replyCode, replyText: text, classId, methodId });
    this.#startClosing();
  }

  refuseProtocol(): void {
    this.outbox.write(PROTOCOL_HEADER);
    this.#stopReading();
  }

  closeByClient(): void {
    if (this.#state === "open" || this.#state === "handshake") this.#release();
    this.send("connection.close-ok", {});
    this.#endStream();
  }

  closeAnswered(): void {
    this.#endStream();
  }

  recheckAccess(): void {
    const { user, vhost } = this.identity;
    this.broker.permissions.checkVhostAccess(user.name, vhost.name);
    for (const channel of this.#channels) channel.session.recheckConsumers();
  }

  get closing(): boolean {
    return this.#state === "closing";
  }

  /** The limits agreed in connection.tune-ok. */
  negotiated({ channelsMax, frameBytesMax, heartbeatSeconds }: Negotiated): void {
    this.#channels.channelsMax = channelsMax;
    this.frameBytesMax = frameBytesMax;
    if (frameBytesMax !== 0) this.#reader.frameBytesMax = frameBytesMax;
    if (heartbeatSeconds > 0) this.#heartbeat = new Heartbeat(this.broker.clock, this.outbox, heartbeatSeconds, this);
  }

  capabilitiesAnnounced({ consumerCancelNotify, connectionBlocked }: ClientCapabilities): void {
    this.consumerCancelNotify = consumerCancelNotify;
    this.#flow.tellsBlocked = connectionBlocked;
  }

  opened(user: User, vhost: Vhost): void {
    this.#identity = { user, vhost, connection: this };
    this.broker.usage.connectionOpened(user.name, vhost.name);
    this.#state = "open";
    this.#timer?.cancel();
    this.#timer = undefined;
    this.broker.logger.info("connection opened", { ...this.logFields, vhost: vhost.name });
  }

  /** The peer has been silent for too long. */
  heartbeatMissed(): void {
    this.broker.logger.warn("missed heartbeats from client", this.logFields);
    this.#stream.destroy();
  }

  /** True while silence is our own doing: we do not read. */
  get inputHeld(): boolean {
    return this.#holds.size > 0;
  }

  /** Reads nothing more until {@link resumeInput} is called with the same reason. */
  holdInput(reason: object): void {
    if (this.#holds.size === 0) this.#stream.pause();
    this.#holds.add(reason);
  }

  resumeInput(reason: object): void {
    if (!this.#holds.delete(reason) || this.#state === "closed") return;
    if (!this.#replyOutstanding) this.#runAfterReply();
    if (this.#holds.size === 0 && !this.#reading) this.#readFrames(0);
  }

  /** Runs `action` after the reply to the method at hand, or at once when there is none. */
  afterReply(action: () => void): void {
    if (this.#reading || this.#replyOutstanding) this.#afterReply.push(action);
    else action();
  }

  removeChannel(channel: Channel): void {
    this.#channels.remove(channel);
  }

  failChannel(channel: Channel, error: BrokerError): void {
    this.#channels.fail(channel, error);
  }

  // --- input ---

  #takeOctets(octets: Buffer): void {
    this.#heartbeat?.received();
    if (this.#state === "closed") return;
    let rest: Buffer | undefined = octets;
    if (!this.#handshake.headerTaken) {
      rest = this.#handshake.takeHeader(octets);
      if (rest === undefined) return;
    }
    this.#reader.push(rest);
    this.#readFrames(rest.length);
  }

  /** @param bytes octets that have come since this was called last */
  #readFrames(bytes: number): void {
    const reader = this.#reader;
    const { alarms } = this.broker;
    let frames = 0;
    this.#reading = true;
    try {
      while (this.#mayRead() && reader.next()) {
        frames++;
        this.#takeFrame(reader);
        // The publish that meets an alarm is taken; what came behind it waits, even if it has been received.
        if (this.published && alarms.inEffect) this.#checkFlow();
        if (this.#afterReply.length > 0 && !this.#replyOutstanding) this.#runAfterReply();
      }
    } catch (error) {
      this.#inputFailed(error);
    }
    this.#reading = false;
    if (this.published) this.#checkFlow();
    this.#budget.take(frames, bytes);
    if (this.#isInputEnded && !this.#replyOutstanding) this.outbox.end();
    this.#resumeStream();
  }

  /** A socket tells of its end even when it is paused: what has come before may still wait for a reply to be sent. */
  #inputEnded(): void {
    this.#isInputEnded = true;
    this.#timer ??= this.broker.clock.after(CLOSE_TIMEOUT_MILLISECONDS, () => this.outbox.end());
    // What has come and was held back is one read at most, and no more can follow.
    this.#flow.forget();
    this.resumeInput(this.#flow);
    if (!this.#replyOutstanding) this.outbox.end();
  }

  #resumeStream(): void {
    if (this.#holds.size === 0 && !this.#budget.spent && this.#stream.isPaused()) this.#stream.resume();
  }

  /** False while input is held, as it is from now on when there is too much to send: requests are small, replies may not be. */
  #mayRead(): boolean {
    if (!this.outbox.writable) this.holdInput(this.outbox);
    return this.#holds.size === 0;
  }

  #takeFrame(reader: FrameReader): void {
    if (reader.channel === 0) {
      if (reader.type !== FRAME_HEARTBEAT) this.#takeConnectionFrame(reader);
    } else if (this.#state === "open") {
      const channel = this.#channels.open(reader);
      if (channel !== undefined) this.#takeChannelFrame(channel, reader);
    } else if (this.#state === "handshake") {
      throw new WireError("CHANNEL_ERROR", "unexpected frame before connection.open");
    }
  }

  #takeConnectionFrame(reader: FrameReader): void {
    if (reader.type !== FRAME_METHOD) {
      throw new WireError("UNEXPECTED_FRAME", "expected method frame, got non method frame instead");
    }
    if (this.#state === "handshake") this.#handshake.takeMethod(reader);
    else this.#methods.takeMethod(reader);
  }

  #takeChannelFrame(channel: Channel, reader: FrameReader): void {
    try {
      channel.takeFrame(reader);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      if (error.scope === "connection") {
        this.closeWith(error, channel.classId, channel.methodId);
        return;
      }
      this.broker.logger.warn("closing channel", {
        ...this.logFields,
        channel: channel.number,
        reply: replyText(error.replyName, error.message),
      });
      this.#channels.fail(channel, error);
    }
  }

  #inputFailed(error: unknown): void {
    if (error instanceof WireError) this.closeWith(error, error.classId, error.methodId);
    else if (error instanceof BrokerError) this.closeWith(error, 0, 0);
    else throw error;
    this.#stopReading();
  }

  #checkFlow(): void {
    this.published = false;
    if (this.#state === "open" && !this.#isInputEnded) this.#flow.check();
  }

  #outputWritable(): void {
    for (const channel of this.#channels) channel.session.outputWritable();
    this.resumeInput(this.outbox);
  }

  /** True while input is held for anything but the flow control, which no reply waits for. */
  get #replyOutstanding(): boolean {
    return this.#holds.size > (this.#holds.has(this.#flow) ? 1 : 0);
  }

  #runAfterReply(): void {
    const actions = this.#afterReply;
    this.#afterReply = [];
    for (const action of actions) action();
  }

  // --- closing ---

  /** Lets go of all that belongs to the connection in the broker. */
  #release(): void {
    this.#heartbeat?.stop();
    this.#flow.forget();
    this.#channels.closeAll();
    this.#afterReply = [];
    if (this.#identity === undefined) return;
    const { user, vhost } = this.#identity;
    vhost.deleteExclusiveQueues(this);
    this.broker.usage.connectionClosed(user.name, vhost.name);
  }

  #startClosing(): void {
    this.#state = "closing";
    this.#timer?.cancel();
    this.#timer = this.broker.clock.after(CLOSE_TIMEOUT_MILLISECONDS, () => this.#stream.destroy());
    for (const reason of [...this.#holds]) this.resumeInput(reason);
  }

  /** Sends what there is to send, then ends our side. */
  #endStream(): void {
    if (this.#state !== "closing") this.#startClosing();
    this.outbox.end();
  }

  /** After malformed input nothing more can be understood: only our close goes out. */
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
    this.broker.logger.info("connection closed", this.logFields);
    this.#resolveClosed();
  }
}
