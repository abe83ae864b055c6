import type { LogFields, Logger } from "../../runtime/log/log.ts";

/** Keeps what was said at warn and above, so that tests can see who was told what. */
export class MemoryLogger implements Logger {
  readonly #lines: { readonly message: string; readonly fields: LogFields }[];

  constructor(lines: { readonly message: string; readonly fields: LogFields }[] = []) {
    this.#lines = lines;
  }

  get messages(): readonly string[] {
    return this.#lines.map(({ message }) => message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#lines.push({ message, fields });
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#lines.push({ message, fields });
  }

  info(): void {}

  debug(): void {}

  child(): Logger {
    return new MemoryLogger(this.#lines);
  }
}
