import type { DelayLine, DelayLineOptions } from "../../../src/core/delay-line.ts";
import type { Message } from "../../../src/core/message.ts";

/** Holds what it gets until a test lets it go, whatever delay it asks for. */
export class FakeDelayLine implements DelayLine {
  readonly id: number;
  readonly name: string;
  readonly firstSequence = 0;
  readonly options: DelayLineOptions;
  readonly held: Message[] = [];
  stopped = false;
  dropped = false;

  constructor(options: DelayLineOptions) {
    this.id = options.id;
    this.name = options.name;
    this.options = options;
  }

  get count(): number {
    return this.held.length;
  }

  push(message: Message): void {
    this.held.push(message.detached());
  }

  refuses(): boolean {
    return false;
  }

  /** Lets every message go, `edit`ed, in the order in which they came. */
  release(edit: (message: Message) => void = () => {}): void {
    for (const message of this.held.splice(0)) {
      edit(message);
      this.options.release(message, 0);
    }
  }

  recoverNote(): void {}

  recoverChunk(): void {}

  stop(): void {
    this.stopped = true;
  }

  drop(): void {
    this.dropped = true;
    this.held.length = 0;
  }
}
