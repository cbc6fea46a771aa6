import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { checkAnswer, closeCodeOf, hasEnding } from "./answer.ts";
import { attack } from "./attack.ts";
import { Canary } from "./canary.ts";
import { fuzzCase } from "./mutations.ts";
import { type RecordedSession, recordSessions } from "./recorded-sessions.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Spreads the numbers of a run's cases over all seeds (the golden ratio of 2^32). */
const CASE_SEED_STEP = 0x9e3779b1;

export interface FuzzRunOptions {
  /** Opens a stream to the broker. */
  readonly connect: () => Promise<Duplex>;
  /** Gives the broker time to answer. */
  readonly pause: () => Promise<void>;
  readonly seed: number;
  /** Called after every case, to look at the broker. */
  readonly afterCase?: (index: number) => Promise<void> | void;
}

/** Throws mutated sessions at a broker and watches what it does and how a canary client fares. */
export class FuzzRun {
  readonly #options: FuzzRunOptions;
  readonly #sessions: readonly RecordedSession[];
  readonly #canary: Canary;

  private constructor(options: FuzzRunOptions, sessions: readonly RecordedSession[], canary: Canary) {
    this.#options = options;
    this.#sessions = sessions;
    this.#canary = canary;
  }

  static async start(options: FuzzRunOptions): Promise<FuzzRun> {
    const sessions = await recordSessions(options.connect);
    return new FuzzRun(options, sessions, await Canary.start(await options.connect()));
  }

  /** Sends the recorded sessions as they are and returns the names of the methods that answered each. */
  async replayUnchanged(): Promise<string[][]> {
    const answers: string[][] = [];
    for (const pieces of this.#sessions) {
      const random = new SeededRandom(this.#options.seed);
      const isAnswered = (answer: Buffer): boolean => hasEnding(answer, "connection.close-ok");
      const methods = checkAnswer(await this.#attack(pieces, random, isAnswered));
      answers.push(methods.map(({ name }) => name));
    }
    return answers;
  }

  /** Runs cases `first` to `last`. An error names the case and how to run it again. */
  async run(first: number, last: number): Promise<void> {
    for (let index = first; index <= last; index++) {
      const random = new SeededRandom(this.#options.seed + index * CASE_SEED_STEP);
      const { pieces, description, closeCode } = fuzzCase(this.#sessions, random);
      try {
        const isAnswered = (answer: Buffer): boolean =>
          closeCode === undefined || hasEnding(answer, "connection.close");
        const methods = checkAnswer(await this.#attack(pieces, random, isAnswered));
        if (closeCode !== undefined) assert.equal(closeCodeOf(methods), closeCode);
        await this.#canary.beat();
        await this.#canary.sweep();
        await this.#options.afterCase?.(index);
      } catch (error) {
        const replay = `LEVERET_FUZZ_SEED=${this.#options.seed} LEVERET_FUZZ_CASE=${index}`;
        throw new Error(`${replay} (${description}): ${(error as Error).message}`, { cause: error });
      }
    }
  }

  stop(): Promise<void> {
    return this.#canary.stop();
  }

  async #attack(
    pieces: readonly Buffer[],
    random: SeededRandom,
    isAnswered: (answer: Buffer) => boolean,
  ): Promise<Buffer> {
    const { connect, pause } = this.#options;
    return attack({ stream: await connect(), pieces, random, pause, isAnswered });
  }
}
