import { readFile } from "node:fs/promises";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../clock/clock.ts";
import { sleep } from "../clock/sleep.ts";
import type { Logger } from "../log/log.ts";
import type { Gauge, Meter } from "../metrics/meter.ts";
import type { Changing } from "./changing.ts";

export interface ReloadedFileOptions<T> {
  readonly path: string;
  /** What the file is to its readers, in logs and errors: "policy". */
  readonly what: string;
  readonly parse: (text: string) => Result<T, string>;
  /** How often the file is looked at. @default 2000 */
  readonly intervalMs?: number;
}

export interface ReloadedFileDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
  /** @default reads the file system */
  readonly readText?: (path: string) => Promise<Result<string, string>>;
}

const DEFAULT_INTERVAL_MS = 2000;

/**
 * What a file says, followed while the process runs. A file that cannot be read or understood changes nothing: the last
 * good value stays in force, and the error is logged once per such text and shown as a metric. The file is read again
 * and again rather than watched: mounted ConfigMaps are swapped by symbolic link, which file events miss. A new text counts
 * when two looks find it, so that a file that is being written is not taken for whole.
 */
export class ReloadedFile<T> implements Changing<T> {
  readonly #options: ReloadedFileOptions<T>;
  readonly #deps: ReloadedFileDeps;
  readonly #isStale: Gauge;
  #current: T;
  /** What was decided about last, good or not. */
  #decided: string;
  /** What the last look found. */
  #seen: string;
  /** BOUNDED: by the parts of the process that follow the value. */
  readonly #listeners = new Set<() => void>();

  private constructor(
    options: ReloadedFileOptions<T>,
    deps: ReloadedFileDeps,
    first: { readonly text: string; readonly value: T },
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#current = first.value;
    this.#decided = first.text;
    this.#seen = first.text;
    this.#isStale = deps.meter.gauge({
      name: "isthmus_config_file_stale",
      help: "1 while a followed file cannot be read or understood and its last good content is in force.",
      labels: ["file"],
    });
    this.#isStale.set(0, { file: options.what });
  }

  /** The file must be good at the start. */
  static async open<T>(
    options: ReloadedFileOptions<T>,
    deps: ReloadedFileDeps,
  ): Promise<Result<ReloadedFile<T>, string>> {
    const text = await (deps.readText ?? readText)(options.path);
    if (!text.ok) return err(`cannot read ${options.what} ${options.path}: ${text.error}`);
    const value = options.parse(text.value);
    if (!value.ok) return err(`cannot read ${options.what} ${options.path}: ${value.error}`);
    return ok(new ReloadedFile(options, deps, { text: text.value, value: value.value }));
  }

  get current(): T {
    return this.#current;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Follows the file until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    for (;;) {
      await sleep(clock, this.#options.intervalMs ?? DEFAULT_INTERVAL_MS, signal);
      if (signal.aborted) return;
      this.#take(await (this.#deps.readText ?? readText)(this.#options.path));
    }
  }

  /** Looks at the file now and takes what it says for whole: somebody has said so. */
  async reload(): Promise<void> {
    const text = await (this.#deps.readText ?? readText)(this.#options.path);
    this.#seen = seenText(text);
    this.#take(text);
  }

  #take(text: Result<string, string>): void {
    const seen = seenText(text);
    const isSettled = seen === this.#seen;
    this.#seen = seen;
    if (!isSettled || seen === this.#decided) return;
    this.#decided = seen;
    const { path, what, parse } = this.#options;
    const value = text.ok ? parse(text.value) : text;
    this.#isStale.set(value.ok ? 0 : 1, { file: what });
    if (!value.ok) {
      this.#deps.log.error("file not applied: its last good content stays in force", {
        what,
        path,
        err: value.error,
      });
      return;
    }
    this.#current = value.value;
    this.#deps.log.info("file applied", { what, path });
    for (const listener of this.#listeners) listener();
  }
}

/** A file that is away is told as a content of its own, once. */
function seenText(text: Result<string, string>): string {
  return text.ok ? text.value : `unreadable: ${text.error}`;
}

async function readText(path: string): Promise<Result<string, string>> {
  try {
    return ok(await readFile(path, "utf8"));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
