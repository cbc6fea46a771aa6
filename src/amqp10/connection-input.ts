// Hot file: every octet received passes here.

import type { Duplex } from "node:stream";
import { ReadBudget } from "../core/read-budget.ts";
import type { Turn } from "../core/turn.ts";
import { FrameInput } from "./frame-input.ts";
import type { FrameOutput } from "./frame-output.ts";

/** A connection's share of a turn. A frame costs about ten times what one of 0-9-1 does: see docs/decisions/0009 and 0010. */
const FRAMES_PER_TURN = 400;

/** What a connection does with what it receives. */
export interface InputHandler {
  /** Anything has come. */
  inputReceived(): void;
  /** Takes the next protocol header or frame, if it is complete. @throws for what ends the connection */
  takeNext(): boolean;
  /** {@link takeNext} has thrown. */
  inputFailed(error: unknown): void;
  /** As much has been taken as can be for now. */
  inputTaken(): void;
  /** The client has ended its side, and all that it has sent before has been taken and answered. */
  inputEnded(): void;
}

/** Reads from the stream of one connection, as long as nothing speaks against it. */
export class ConnectionInput {
  readonly frames: FrameInput;
  readonly #stream: Duplex;
  readonly #output: FrameOutput;
  readonly #handler: InputHandler;
  readonly #budget: ReadBudget;
  /** Reasons not to read on. */
  readonly #holds = new Set<object>();
  #reading = false;
  #isEnded = false;
  #isClosed = false;

  /** @param frameBytesMax the largest frame taken at first */
  constructor(stream: Duplex, output: FrameOutput, turn: Turn, handler: InputHandler, frameBytesMax: number) {
    this.frames = new FrameInput(frameBytesMax);
    this.#stream = stream;
    this.#output = output;
    this.#handler = handler;
    this.#budget = new ReadBudget(turn, {
      framesPerTurn: FRAMES_PER_TURN,
      pauseInput: () => stream.pause(),
      renewInput: () => this.#readOn(),
    });
    stream.on("data", (octets: Buffer) => this.#take(octets));
    stream.on("end", () => this.#end());
  }

  /** True while silence is our own doing: we do not read. */
  get held(): boolean {
    return this.#holds.size > 0;
  }

  /** True when the client has ended its side. */
  get ended(): boolean {
    return this.#isEnded;
  }

  /** Reads nothing more until {@link letGo} is called with the same reason. */
  hold(reason: object): void {
    if (this.#holds.size === 0) this.#stream.pause();
    this.#holds.add(reason);
  }

  letGo(reason: object): void {
    if (this.#holds.delete(reason)) this.#readOn();
  }

  letGoAll(): void {
    for (const reason of [...this.#holds]) this.letGo(reason);
  }

  /** Nothing that comes can be understood any more: what is received from now on, or has been, is dropped. */
  discard(): void {
    this.frames.forget();
    this.#stream.removeAllListeners("data");
    this.#stream.resume();
  }

  /** The stream is closed. */
  close(): void {
    this.#isClosed = true;
  }

  #take(octets: Buffer): void {
    this.#handler.inputReceived();
    if (this.#isClosed) return;
    this.frames.push(octets);
    this.#budget.take(0, octets.length);
    this.#readOn();
  }

  #readOn(): void {
    if (this.#holds.size === 0 && !this.#reading && !this.#isClosed) this.#read();
  }

  #read(): void {
    this.#reading = true;
    try {
      while (this.#mayRead() && this.#handler.takeNext()) this.#budget.take(1, 0);
    } catch (error) {
      this.#handler.inputFailed(error);
    } finally {
      this.#reading = false;
    }
    this.#handler.inputTaken();
    if (this.#isEnded && !this.#isOutstanding) this.#handler.inputEnded();
    if (!this.#isOutstanding && this.#stream.isPaused()) this.#stream.resume();
  }

  /** False while input is held, as it is from now on when there is too much to send. */
  #mayRead(): boolean {
    if (!this.#output.writable) this.hold(this.#output);
    return !this.#isOutstanding && !this.#isClosed;
  }

  /** A socket tells of its end even when it is paused: what has come before may still be unread, or wait for the disk. */
  #end(): void {
    this.#isEnded = true;
    if (!this.#isOutstanding) this.#handler.inputEnded();
  }

  /** True while there may be something that has been received and not taken, or taken and not answered. */
  get #isOutstanding(): boolean {
    return this.#holds.size > 0 || this.#budget.spent;
  }
}
