import type { Clock } from "../../runtime/clock/clock.ts";

/** Tells a person what happens and how long each step took, measured. */
export class StepPrinter {
  readonly #line: (text: string) => void;
  readonly #clock: Clock;
  readonly #startMs: number;

  constructor(line: (text: string) => void, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
  }

  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    try {
      const result = await work();
      this.#line(`✓ ${title.padEnd(62)} ${duration(this.#clock.monotonicMs() - startMs)}`);
      return result;
    } catch (error) {
      this.#line(`✗ ${title.padEnd(62)} ${duration(this.#clock.monotonicMs() - startMs)}`);
      throw error;
    }
  }

  detail(text: string): void {
    this.#line(`    ${text}`);
  }

  line(text = ""): void {
    this.#line(text);
  }

  totalText(): string {
    return duration(this.#clock.monotonicMs() - this.#startMs);
  }
}

/** Milliseconds while they are few, seconds after. */
export function duration(ms: number): string {
  return ms < 1_000
    ? `${ms.toFixed(0).padStart(5)} ms`
    : `${(ms / 1_000).toFixed(2).padStart(5)} s`;
}
