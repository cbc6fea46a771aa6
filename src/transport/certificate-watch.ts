import { readFile } from "node:fs/promises";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";
import { CertificateError, loadTlsMaterial, type TlsFiles, type TlsMaterial, tlsPaths } from "./certificates.ts";

export interface CertificateWatchOptions {
  readonly files: TlsFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMilliseconds: number;
  /** Takes new certificates; may throw when TLS cannot work with them. */
  readonly onChange: (material: TlsMaterial) => void;
}

/**
 * Looks at certificate files again and again, and passes on what has changed in them once it can be used. Contents are
 * compared, because files are replaced in many ways: written anew, renamed, or behind a symbolic link.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  #seen: string | undefined;
  /** Why the files as they are now cannot be used; time may heal that, as with a certificate that is not valid yet. */
  #refusal: string | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
  }

  /** Takes the files as they are now for those in use. */
  async remember(): Promise<void> {
    this.#seen = await this.#contents();
  }

  /** Looks for changes from now on. */
  start(): void {
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.#options.intervalMilliseconds, () => void this.#look());
  }

  async #look(): Promise<void> {
    const contents = await this.#contents();
    if (this.#stopped) return;
    const isChanged = contents !== this.#seen;
    if (isChanged) this.#refusal = undefined;
    if (isChanged || this.#refusal !== undefined) this.#reload();
    this.#seen = contents;
    this.#wait();
  }

  #reload(): void {
    const { files, logger, onChange } = this.#options;
    try {
      onChange(loadTlsMaterial(files, new Date()));
      this.#refusal = undefined;
      logger.info("certificates changed: new connections are shown the new ones");
    } catch (error) {
      const reason = (error as Error).message;
      if (reason === this.#refusal) return;
      this.#refusal = reason;
      const level = error instanceof CertificateError ? "warn" : "error";
      logger[level]("changed certificates cannot be used: those before stay in use", { reason });
    }
  }

  /** What all files hold, or why they cannot be read. */
  async #contents(): Promise<string> {
    const texts = tlsPaths(this.#options.files).map((path) =>
      readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => `cannot be read: ${error.code}`),
    );
    return (await Promise.all(texts)).join("\0");
  }
}
